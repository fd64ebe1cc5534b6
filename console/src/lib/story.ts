// The path of one order in words: each entry as a sentence, and how it stands as a whole.
import { clock, instant, milliseconds, plural, span } from './format'
import { sameRecord, went } from './tracks'
import type { Tone } from './facts'
import type { Trace, TraceEntry } from './types'

export function say(entry: TraceEntry): string {
  const what = entry.type ?? 'a message'
  const who = entry.service ?? 'a consumer'
  const again = (entry.delivery ?? 1) > 1 ? `, delivery ${entry.delivery}` : ''
  switch (entry.kind) {
    case 'published':
      return `${entry.service ?? 'somebody'} published ${what} to ${entry.topic}${entry.offset === undefined ? '' : `/${entry.partition ?? 0} at ${entry.offset}`}`
    case 'delivered':
      return `${entry.queue} delivered ${what} to ${who}${again}`
    case 'acked':
      return `${who} finished ${what} of ${entry.queue}${again}`
    case 'retry':
      return `${entry.queue} delivered ${what} to ${who} again${again}`
    case 'failed':
      return `${who} could not handle ${what} of ${entry.queue}${again}${entry.due ? `; to be tried again at ${clock(entry.due)}` : ''}`
    case 'dead':
      return `${entry.queue} gave up on ${what}: a dead letter`
    case 'redriven':
      return `${what} was redriven into ${entry.queue}`
    case 'call':
      return `${entry.service ?? 'somebody'} called ${entry.peer ?? 'somebody'}`
  }
}

// What the duration of an entry was spent on.
export function spent(entry: TraceEntry): string {
  if (!entry.duration_ms) return ''
  const text = milliseconds(entry.duration_ms)
  if (entry.kind === 'published') return `durable in ${text}`
  return entry.kind === 'delivered' || entry.kind === 'retry' ? `waited ${text}` : text
}

// A dead letter is a record too; its own entry says more than that it was published.
export function withoutDeadRecords(trace: Trace, deadTopics: ReadonlySet<string>): Trace {
  const noise = (entry: TraceEntry) => entry.kind === 'published' && !entry.service && deadTopics.has(entry.topic ?? '')
  return { ...trace, entries: trace.entries.filter((entry) => !noise(entry)) }
}

export function outcome(entry: TraceEntry): string {
  if (entry.kind === 'redriven') return ''
  if (entry.reason) return entry.reason
  return entry.outcome && !went(entry) ? entry.outcome : ''
}

const settles = new Set(['acked', 'dead'])

// How the whole stands: what died and was not finished later, what is still being tried, or that all is done.
export function standing(trace: Trace): { tone: Tone; text: string } {
  const entries = trace.entries
  if (!entries.length) return { tone: '', text: '' }
  const ends: TraceEntry[] = [] // the last that is known of each message in each queue
  for (const entry of entries) {
    if (!entry.queue || entry.kind === 'published') continue
    const before = ends.findIndex((end) => end.queue === entry.queue && sameRecord(end, entry))
    // Names add up: what came first knows the record's id, what comes after a redrive only where it stood.
    if (before < 0) ends.push(entry)
    else ends[before] = { ...ends[before]!, kind: entry.kind }
  }
  const dead = ends.filter((entry) => entry.kind === 'dead')
  const open = ends.filter((entry) => !settles.has(entry.kind))
  const length = instant(entries.at(-1)!.at) - instant(entries[0]!.at)
  const tail = ` ${plural(entries.length, 'step')} in ${span(Math.max(0, length / 1000))}.`
  if (dead.length) return { tone: 'red', text: `Not finished: a dead letter in ${[...new Set(dead.map((entry) => entry.queue))].join(', ')}.${tail}` }
  if (open.length) return { tone: 'amber', text: `Not finished yet: ${[...new Set(open.map((entry) => entry.queue))].join(', ')} is still at work.${tail}` }
  const troubled = entries.some((entry) => !went(entry) || entry.kind === 'failed' || entry.kind === 'dead')
  return { tone: '', text: `${troubled ? 'Finished, after trouble on the way' : 'Finished without trouble'}.${tail}` }
}
