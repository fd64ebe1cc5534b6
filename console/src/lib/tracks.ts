// One trace as a picture: a line of time with one lane per service. Time is true to scale while somebody works;
// a stretch in which nobody did is folded to a fixed width and says how long it was, so seconds of work stay
// readable beside minutes of waiting.
import { instant } from './format'
import type { Trace, TraceEntry } from './types'

const FOLD_RATIO = 0.12 // the longest pause is folded while it is more than this share of what is not folded yet
const FOLD_MS_MIN = 40
const FOLD_WIDTH = 0.09
const OPEN_WIDTH = 0.12
const TIME_STEP_MS = 0.9
const TICK_APART = 0.075
const MARK_WIDTH = 0.018 // room each moment needs, so that marks of one instant do not cover each other

export interface Mark {
  index: number
  entry: TraceEntry
  lane: string
  x: number // 0..1
  x2: number // where what took time ended; x when it took none
  tone: 'plain' | 'ok' | 'bad' | 'wait'
}

// Work on a lane: from a delivery to how it ended, or a call as its caller and its callee saw it.
export interface Bar {
  lane: string
  x: number
  x2: number
  kind: 'work' | 'call' | 'answer'
  bad: boolean
  index: number
}

export interface Fold {
  x: number
  w: number
  s: number
  busy: boolean // somebody was at work all the while
}

export interface Link {
  from: Mark
  to: Mark
}

export interface Tracks {
  lanes: string[]
  marks: Mark[]
  bars: Bar[]
  folds: Fold[]
  links: Link[]
  start: number
  end: number
  ticks: { x: number; ms: number }[]
}

const TONES: Record<TraceEntry['kind'], Mark['tone']> = {
  published: 'plain', delivered: 'plain', retry: 'plain', acked: 'ok', failed: 'bad', dead: 'bad', redriven: 'wait', call: 'plain',
}

export const isDelivery = (entry: TraceEntry) => entry.kind === 'delivered' || entry.kind === 'retry'
const endOf = (entry: TraceEntry, at: number) => (entry.kind === 'call' ? at + (entry.duration_ms ?? 0) : at)
// Whoever did not name itself shares a lane with the others who did not.
const laneOf = (entry: TraceEntry, consumers: Map<string, string>) =>
  entry.service || (entry.queue ? (consumers.get(entry.queue) ?? `(${entry.queue})`) : '(unnamed)')
export const went = (entry: TraceEntry) => !entry.outcome || entry.outcome === 'ok' || /^2\d\d$/.test(entry.outcome)

function foldsOf(pauses: number[]): boolean[] {
  const folded = pauses.map(() => false)
  let rest = pauses.reduce((sum, pause) => sum + pause, 0)
  const longestFirst = pauses.map((_, index) => index).sort((a, b) => pauses[b]! - pauses[a]!)
  for (const index of longestFirst) {
    if (pauses[index]! <= FOLD_MS_MIN || pauses[index]! <= rest * FOLD_RATIO) break
    folded[index] = true
    rest -= pauses[index]!
  }
  return folded
}

// Maps instants to 0..1: each pause between two moments is as wide as it was long, or folded.
class Scale {
  readonly folds: Fold[] = []
  #stops: [number, number][] = []

  constructor(moments: number[], work: Work[]) {
    const times = [...new Set(moments)].sort((a, b) => a - b)
    const pauses = times.slice(1).map((time, index) => time - times[index]!)
    const folded = foldsOf(pauses)
    const worked = pauses.reduce((sum, pause, index) => sum + (folded[index] ? 0 : pause), 0)
    const open = folded.filter((fold) => !fold).length
    const share = Math.min(1, open * OPEN_WIDTH)
    const widths = pauses.map((pause, index) => (folded[index] ? FOLD_WIDTH : MARK_WIDTH + (worked ? (pause / worked) * share : 0)))
    const full = widths.reduce((sum, width) => sum + width, 0) || 1
    let x = 0
    times.forEach((time, index) => {
      this.#stops.push([time, x / full])
      if (index >= widths.length) return
      if (folded[index]) this.folds.push({ x: x / full, w: widths[index]! / full, s: pauses[index]! / 1000, busy: isBusy(work, time, times[index + 1]!) })
      x += widths[index]!
    })
  }

  at(time: number): number {
    const next = this.#stops.findIndex(([stop]) => stop >= time)
    if (next <= 0) return next === 0 ? this.#stops[0]![1] : 1
    const [t1, x1] = this.#stops[next - 1]!
    const [t2, x2] = this.#stops[next]!
    return x1 + ((time - t1) / (t2 - t1)) * (x2 - x1)
  }

  get stops(): readonly [number, number][] {
    return this.#stops
  }
}

// Times are told to the millisecond, in which much can happen: what shares one is spread over it, in the order given.
function timesOf(entries: TraceEntry[]): { entry: TraceEntry; at: number }[] {
  const timed = entries.map((entry) => ({ entry, at: instant(entry.at) }))
  for (let first = 0; first < timed.length; ) {
    const time = timed[first]!.at
    let count = 1
    while (timed[first + count]?.at === time) ++count
    for (let i = 1; i < count; ++i) timed[first + i]!.at = time + (i / count) * TIME_STEP_MS
    first += count
  }
  return timed
}

// The names of a record: its id, and where it stands, which is how a queue names a message.
function namesOf(entry: TraceEntry): string[] {
  const standing = entry.topic && (entry.partition ?? -1) >= 0 ? [`${entry.topic}-${entry.partition}-${entry.offset}`] : []
  return entry.record_id ? [entry.record_id, ...standing] : standing
}

export function sameRecord(a: TraceEntry, b: TraceEntry): boolean {
  const names = namesOf(b)
  return namesOf(a).some((name) => names.includes(name))
}

const ENDS = new Set(['acked', 'failed', 'dead'])
const sameDelivery = (a: TraceEntry, b: TraceEntry) => a.queue === b.queue && sameRecord(a, b) && (a.delivery ?? 1) === (b.delivery ?? 1)

// How a delivery ended: the first end of the same one after it.
function endOfDelivery(entries: TraceEntry[], index: number): number {
  return entries.findIndex((other, at) => at > index && ENDS.has(other.kind) && sameDelivery(other, entries[index]!))
}

export interface Work {
  from: number
  to: number
}

// When somebody was at work: in calls, and from each delivery to its end; without one he still is.
export function workOf(entries: TraceEntry[]): Work[] {
  return entries.flatMap((entry, index): Work[] => {
    const from = instant(entry.at)
    if (entry.kind === 'call') return [{ from, to: from + (entry.duration_ms ?? 0) }]
    if (!isDelivery(entry)) return []
    const end = endOfDelivery(entries, index)
    return [{ from, to: end < 0 ? Infinity : instant(entries[end]!.at) }]
  })
}

export const isBusy = (work: Work[], from: number, to: number) => work.some((one) => one.from <= from + 1 && one.to >= to - 1)

export function tracks(trace: Trace): Tracks {
  const timed = timesOf(trace.entries)
  const scale = new Scale(timed.flatMap(({ entry, at }) => [at, endOf(entry, at)]), workOf(trace.entries))
  const consumers = new Map(trace.entries.flatMap(({ queue, service }): [string, string][] => (queue && service ? [[queue, service]] : [])))
  const marks = timed.map(({ entry, at }, index) => ({
    index, entry, lane: laneOf(entry, consumers), x: scale.at(at), x2: scale.at(endOf(entry, at)),
    tone: went(entry) ? TONES[entry.kind] : ('bad' as const),
  }))
  const lanes = [...new Set(marks.flatMap(({ lane, entry }) => (entry.kind === 'call' && entry.peer ? [lane, entry.peer] : [lane])))]
  const start = timed[0]?.at ?? 0
  const end = Math.max(start, ...timed.map(({ entry, at }) => endOf(entry, at)))
  return { lanes, marks, bars: barsOf(marks), folds: scale.folds, links: linksOf(marks), start, end, ticks: ticksOf(scale, start) }
}

function barsOf(marks: Mark[]): Bar[] {
  const entries = marks.map((mark) => mark.entry)
  return marks.flatMap((mark): Bar[] => {
    const { entry, lane, x, x2, index } = mark
    const bad = mark.tone === 'bad'
    if (entry.kind === 'call') {
      const call: Bar = { lane, x, x2, kind: 'call', bad, index }
      return entry.peer ? [call, { ...call, lane: entry.peer, kind: 'answer' }] : [call]
    }
    if (!isDelivery(entry)) return []
    const end = marks[endOfDelivery(entries, index)]
    return end ? [{ lane, x, x2: end.x, kind: 'work', bad: end.tone === 'bad', index }] : []
  })
}

// From a record's publishing to the first delivery of it by each queue.
function linksOf(marks: Mark[]): Link[] {
  const links: Link[] = []
  for (const to of marks) {
    if (to.entry.kind !== 'delivered' || (to.entry.delivery ?? 1) > 1) continue
    const earlier = marks.some(({ index, entry }) => index < to.index && isDelivery(entry) && entry.queue === to.entry.queue && sameRecord(entry, to.entry))
    if (earlier) continue
    const from = marks.find((mark) => mark.entry.kind === 'published' && sameRecord(mark.entry, to.entry))
    if (from) links.push({ from, to })
  }
  return links
}

// At the start, after each fold and at the end.
function ticksOf(scale: Scale, start: number): Tracks['ticks'] {
  const stops = scale.stops
  if (!stops.length) return []
  const after = scale.folds.map((fold) => stops.find(([, x]) => x >= fold.x + fold.w - 1e-9)!)
  const ticks = [stops[0]!, ...after, stops.at(-1)!].map(([time, x]) => ({ x, ms: time - start }))
  return ticks.filter((tick, index) => index === 0 || tick.x - ticks[index - 1]!.x > TICK_APART)
}
