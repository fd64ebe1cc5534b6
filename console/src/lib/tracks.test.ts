import { expect, test } from 'vitest'
import { trace as mockTrace } from '../../mock/trace.mjs'
import { World } from '../../mock/world.mjs'
import { say, standing, withoutDeadRecords } from './story'
import { tracks } from './tracks'
import type { Trace, TraceEntry } from './types'

const order = () => withoutDeadRecords(mockTrace(new World('poison'), 'O-4711') as Trace, new Set(['notification.mail.dead']))
const at = (ms: number) => new Date(Date.UTC(2026, 10, 20) + ms).toISOString()
const made = (entries: Partial<TraceEntry>[]): Trace => ({ id: 'x', found: true, entries: entries as TraceEntry[] })

test('one lane per service, in the order in which they first worked', () => {
  expect(tracks(order()).lanes).toEqual(['customer', 'order', 'inventory', 'member', 'payment', 'shipping', 'settlement', 'notification'])
})

test('marks stand in time order within the line, and pauses are folded and told', () => {
  const { marks, folds } = tracks(order())
  for (const [index, mark] of marks.entries()) {
    expect(mark.x).toBeGreaterThanOrEqual(index ? marks[index - 1]!.x : 0)
    expect(mark.x2).toBeLessThanOrEqual(1)
  }
  expect(folds.map((fold) => Math.round(fold.s))).toEqual([1, 2, 387])
})

test('work is a bar from delivery to its end, failures are bad', () => {
  const { bars } = tracks(order())
  const mail = bars.filter((bar) => bar.lane === 'notification')
  expect(mail.map((bar) => bar.bad)).toEqual([true, true, true, false])
  expect(bars.filter((bar) => bar.lane === 'payment').map((bar) => bar.bad)).toEqual([true, false])
})

test('what shares a millisecond stands apart, in the order given', () => {
  const one = { at: at(0), queue: 'q', service: 's', topic: 't', partition: 0, offset: 7 }
  const { marks, bars, links } = tracks(made([{ ...one, kind: 'published', service: 'a', queue: null }, { ...one, kind: 'delivered' }, { ...one, kind: 'acked' }]))
  expect(marks[0]!.x).toBeLessThan(marks[1]!.x)
  expect(marks[1]!.x).toBeLessThan(marks[2]!.x)
  expect(bars).toHaveLength(1)
  expect(links).toHaveLength(1)
})

test('a record keeps its identity through a redrive, and a lease is work, not a pause', () => {
  const first = { queue: 'q', service: 's', topic: 't', partition: 0, offset: 7, record_id: 'evt-1' }
  const again = { queue: 'q', service: 's', partition: -1, offset: 0, record_id: 't-0-7' }
  const trace = made([
    { at: at(0), kind: 'delivered', ...first }, { at: at(300), kind: 'dead', ...first }, { at: at(340), kind: 'redriven', ...first, service: null },
    { at: at(1440), kind: 'delivered', ...again }, { at: at(2100), kind: 'acked', ...again, outcome: 'ok' },
  ])
  expect(standing(trace).text).toContain('Finished, after trouble')
  expect(tracks(trace).lanes).toEqual(['s'])
  expect(tracks(trace).folds.map((fold) => fold.busy)).toEqual([true, false, true])
})

test('a single moment and an empty trace are no trouble', () => {
  expect(tracks(made([])).marks).toEqual([])
  expect(tracks(made([{ at: at(0), kind: 'published', service: 'order' }])).marks[0]!.x).toBe(0)
})

test('how it stands: finished after trouble, a dead letter, still at work, without trouble', () => {
  expect(standing(order()).text).toContain('Finished, after trouble on the way')
  const dead = made([{ at: at(0), kind: 'delivered', queue: 'q', record_id: '1' }, { at: at(9), kind: 'dead', queue: 'q', record_id: '1' }])
  expect(standing(dead)).toMatchObject({ tone: 'red', text: expect.stringContaining('a dead letter in q') })
  const waiting = made([{ at: at(0), kind: 'delivered', queue: 'q', record_id: '1' }, { at: at(9), kind: 'failed', queue: 'q', record_id: '1', due: at(99) }])
  expect(standing(waiting)).toMatchObject({ tone: 'amber' })
  const fine = made([{ at: at(0), kind: 'delivered', queue: 'q', record_id: '1' }, { at: at(9), kind: 'acked', queue: 'q', record_id: '1', outcome: 'ok' }])
  expect(standing(fine)).toMatchObject({ tone: '', text: expect.stringContaining('without trouble') })
})

test('every kind of entry is a sentence', () => {
  for (const entry of order().entries) expect(say(entry)).not.toContain('undefined')
})
