// Calls to the server's HTTP API. A refusal is thrown as Refused with the server's own sentence.
import type { GroupDetail, MessageLook, MessageState, Problem, Redrive, RecordLook, TopicDetail, Trace } from './types'

const TOKEN_KEY = 'pabal.token'

export class Refused extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

export function token(): string | null {
  return sessionStorage.getItem(TOKEN_KEY)
}

export function keepToken(value: string) {
  sessionStorage.setItem(TOKEN_KEY, value)
}

export async function ask(path: string, options: RequestInit = {}): Promise<Response> {
  const headers = new Headers(options.headers)
  const bearer = token()
  if (bearer) headers.set('Authorization', `Bearer ${bearer}`)
  const response = await fetch(`/v1${path}`, { ...options, headers, cache: 'no-store' })
  if (!response.ok) throw new Refused(response.status, await sentence(response))
  return response
}

async function sentence(response: Response): Promise<string> {
  try {
    const problem = (await response.json()) as Problem
    return problem.detail || problem.title || `HTTP ${response.status}`
  } catch {
    return `HTTP ${response.status}`
  }
}

async function call<T>(method: string, path: string, body?: unknown): Promise<T> {
  const sent = body === undefined ? {} : { body: JSON.stringify(body), headers: { 'Content-Type': 'application/json' } }
  const response = await ask(path, { method, ...sent })
  const text = await response.text()
  return (text ? JSON.parse(text) : {}) as T
}

const at = encodeURIComponent

export const api = {
  topic: (name: string) => call<TopicDetail>('GET', `/topics/${at(name)}`),
  records: (topic: string, partition: number, from: number, limit: number) =>
    call<{ records: RecordLook[] }>('GET', `/topics/${at(topic)}/records?partition=${partition}&offset=${from}&limit=${limit}`),
  group: (name: string) => call<GroupDetail>('GET', `/groups/${at(name)}`),
  queue: (name: string) => call<Record<string, unknown>>('GET', `/queues/${at(name)}`),
  messages: (queue: string, state: MessageState, limit: number) =>
    call<{ messages: MessageLook[] }>('GET', `/queues/${at(queue)}/messages?state=${state}&limit=${limit}`),
  pause: (queue: string) => call('POST', `/queues/${at(queue)}/pause`),
  resume: (queue: string) => call('POST', `/queues/${at(queue)}/resume`),
  purge: (queue: string) => call<{ purged: number }>('POST', `/queues/${at(queue)}/purge`),
  redrive: (queue: string, which: { ids: string[] } | { all: true }) =>
    call<{ redrive_id: string }>('POST', `/queues/${at(queue)}/redrive`, which),
  redriveState: (queue: string, id: string) => call<Redrive>('GET', `/queues/${at(queue)}/redrives/${at(id)}`),
  stopRedrive: (queue: string, id: string) => call<Partial<Redrive>>('DELETE', `/queues/${at(queue)}/redrives/${at(id)}`),
  trace: (id: string) => call<Trace>('GET', `/trace/${at(id)}`),
}
