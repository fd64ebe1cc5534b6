// What a message or record says of itself, for a line of a table.
import type { MessageLook, RecordLook } from './types'

export function typeOf(headers: Record<string, string> | undefined): string | null {
  return headers?.ce_type ?? headers?.['ce-type'] ?? null
}

// The ids by which its whole path can be looked up, the most telling first.
export function pathId(message: { key?: string | null; headers?: Record<string, string> }): string | null {
  return message.headers?.correlationid ?? message.key ?? message.headers?.ce_id ?? null
}

export function bodyText(body: unknown, base64: string | undefined): string {
  if (base64 !== undefined) return `${base64} (base64)`
  if (body === undefined || body === null) return 'empty'
  return typeof body === 'string' ? body : JSON.stringify(body, null, 2)
}

export function bodyLine(body: unknown, base64: string | undefined): string {
  if (base64 !== undefined) return base64
  if (body === undefined || body === null) return 'empty'
  return typeof body === 'string' ? body : JSON.stringify(body)
}

export function originOf(message: MessageLook | RecordLook): string | null {
  if (!('topic' in message) || !message.topic || message.offset === undefined) return null
  return `${message.topic}/${message.partition ?? 0} at ${message.offset}`
}
