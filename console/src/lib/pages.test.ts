import { expect, test } from 'vitest'
import { overview } from '../../mock/answers.mjs'
import { World } from '../../mock/world.mjs'
import { shellWord } from './actions.svelte'
import { path, points, roundUp } from './chart'
import { subline, verdict } from './facts'
import { History } from './history'
import { routeOf, to, toNode } from './router.svelte'
import { offers } from './search'
import type { Overview, QueueFigures } from './types'

const seen = () => overview(new World('stuck')) as unknown as Overview

test('addresses and pages are each other’s inverse, whatever the name', () => {
  for (const name of ['notification.mail', 'a/b c', '주문', '100%', '?#&']) {
    expect(routeOf(to.queue(name))).toEqual({ page: 'queue', name })
    expect(routeOf(to.topic(name))).toEqual({ page: 'topic', name })
    expect(routeOf(to.group(name))).toEqual({ page: 'group', name })
    expect(routeOf(to.trace(name))).toEqual({ page: 'trace', name })
  }
  expect(routeOf('/')).toEqual({ page: 'flow', name: '' })
  expect(routeOf('/dead-letters').page).toBe('dead')
  expect(routeOf('/queues/a/b').page).toBe('none')
  expect(routeOf('/queues/%E0%A4%A').page).toBe('none')
  expect(routeOf('/nonsense').page).toBe('none')
  expect(toNode('queue:notification.mail')).toBe('/queues/notification.mail')
  expect(toNode('client:HTTP')).toBeNull()
})

test('the search box offers the path of an id first, and a thing before its path', () => {
  const all = seen()
  expect(offers('', all)).toEqual([])
  expect(offers(' O-4711 ', all)[0]).toEqual({ kind: 'Trace', name: 'O-4711', href: '/trace/O-4711' })
  expect(offers('notif', all)[0]).toMatchObject({ kind: 'Service', name: 'notification' })
  expect(offers('order.events', all)[0]).toMatchObject({ kind: 'Topic' })
  expect(offers('nothing like it', all)).toHaveLength(1)
  expect(offers('e', all).length).toBeLessThanOrEqual(8)
  expect(offers('abc', null)).toHaveLength(1)
})

test('shell words are quoted when they must be', () => {
  expect(shellWord('notification.mail')).toBe('notification.mail')
  expect(shellWord("it's; rm -rf")).toBe(`'it'\\''s; rm -rf'`)
})

test('a queue is judged in a sentence', () => {
  const queue: QueueFigures = { name: 'q', topic: 't', ready: 0, leased: 0, delayed: 0, dead: 0 }
  expect(verdict(queue, undefined, 0)).toEqual({ tone: '', text: 'Flowing. Nothing waits.' })
  const stuck = { id: 'queue:q', kind: 'queue' as const, name: 'q', state: 'stuck' as const, reason: 'no consumer', since: new Date(0).toISOString() }
  expect(verdict({ ...queue, ready: 11904 }, stuck, 42_000)).toEqual({ tone: 'red', text: 'Stuck for 42 s (no consumer). 11,904 messages wait; none is lost.' })
  const told = 'Its last one (notification) left 42 s ago. 11,904 messages wait, none is lost.'
  expect(verdict({ ...queue, ready: 11904 }, { ...stuck, reason: told }, 42_000).text).toBe(told)
  expect(verdict({ ...queue, ready: 1, unscanned: 9 }, undefined, 0).text).toContain('10 messages wait')
  expect(verdict({ ...queue, ready: 1, paused: true }, undefined, 0).text).toBe('Paused. 1 message waits; none is lost.')
  expect(verdict({ ...queue, dead: 2 }, undefined, 0).tone).toBe('red')
})

test('the second line of a node says what matters of its kind', () => {
  const { flow } = seen()
  const of = (id: string) => subline(flow.nodes.find((node) => node.id === id)!, flow, Date.now())
  expect(of('queue:notification.mail')).toBe('11,904 waiting · 38 s')
  expect(of('service:notification')).toMatch(/^gone for 4\d s$/)
  expect(of('topic:order.events')).toBe('624/s · 4 partitions')
  expect(of('service:order')).toBe('312/s · p99 11 ms')
  expect(of('service:settlement')).toBe('311/s')
  expect(of('group:analytics')).toBe('4,821 behind')
})

test('a window’s history is one sample a second, and begins anew with another clock', () => {
  const history = new History()
  const queue: QueueFigures = { name: 'q', topic: 't', ready: 1, leased: 0, delayed: 0, dead: 0 }
  for (let ms = 0; ms <= 10_000; ms += 500) history.add(ms, [{ ...queue, ready: ms }])
  expect(history.of('q').length).toBeLessThanOrEqual(12)
  expect(history.of('q').at(-1)).toMatchObject({ at: 10_000, waiting: 10_000 })
  history.add(5, [queue])
  expect(history.of('q')).toHaveLength(1)
})

test('charts break where nothing was heard, and end at round figures', () => {
  expect([0, 3, 11, 12_689].map((value) => roundUp(value, 10))).toEqual([10, 10, 20, 20_000])
  const list = points([{ at: 0, waiting: 1, age_s: 0 }, { at: 1000, waiting: 2, age_s: 0 }, { at: 60_000, waiting: 3, age_s: 0 }], (s) => s.waiting, 0)
  expect(path(list, (at) => at, (value) => value, 5000)).toBe('M0.0,1.0L1000.0,2.0M60000.0,3.0')
})
