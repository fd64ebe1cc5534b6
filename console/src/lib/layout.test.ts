import { expect, test } from 'vitest'
import { flow } from '../../mock/answers.mjs'
import { World } from '../../mock/world.mjs'
import { layout, lineId, shapeOf } from './layout'
import { columnsOf, Graph } from './roles'
import { spread } from './rows'
import { nearest } from './walk'
import type { Flow } from './types'

function shop(ticks = 1, scenario = 'stuck'): Flow {
  const world = new World(scenario)
  for (let i = 0; i < ticks; ++i) world.tick(0.5)
  return flow(world) as Flow
}

test('who asks stands left of who answers, topics, queues and who consumes', () => {
  const { nodes, edges } = shop()
  const columns = columnsOf(new Graph(nodes, edges))
  const expected = {
    'service:customer': 'callers', 'service:order': 'asks', 'service:payment': 'consumes', 'service:inventory': 'consumes',
    'topic:order.events': 'topics', 'topic:payment.events': 'publishes', 'topic:shipping.events': 'publishes', 'queue:notification.mail': 'queues',
    'queue:order.progress': 'returns', 'service:notification': 'consumes', 'service:member': 'consumes', 'topic:member.events': 'publishes',
  }
  for (const [id, column] of Object.entries(expected)) expect([id, columns.get(id)]).toEqual([id, column])
})

test('who is only called stands between who asks and the topics while nothing comes back', () => {
  const { nodes, edges } = shop()
  const without = nodes.filter((node) => node.id !== 'queue:order.progress')
  const columns = columnsOf(new Graph(without, edges))
  expect(columns.get('service:payment')).toBe('answers')
  expect(columns.get('topic:payment.events')).toBe('topics')
  expect(columns.get('service:order')).toBe('asks')
})

test('a circle without any caller still begins with the one whose topic is read most', () => {
  const service = (name: string) => ({ id: `service:${name}`, kind: 'service' as const, name, state: 'ok' as const })
  const topic = (name: string) => ({ id: `topic:${name}`, kind: 'topic' as const, name, state: 'ok' as const })
  const queue = (name: string) => ({ id: `queue:${name}`, kind: 'queue' as const, name, state: 'ok' as const })
  const nodes = [service('a'), service('b'), service('c'), topic('a.t'), topic('b.t'), queue('b.q'), queue('c.q'), queue('a.q')]
  const edge = (from: string, to: string, kind: 'publishes' | 'delivers') => ({ from, to, kind })
  const edges = [
    edge('service:a', 'topic:a.t', 'publishes'), edge('topic:a.t', 'queue:b.q', 'delivers'), edge('topic:a.t', 'queue:c.q', 'delivers'),
    edge('queue:b.q', 'service:b', 'delivers'), edge('queue:c.q', 'service:c', 'delivers'), edge('service:b', 'topic:b.t', 'publishes'),
    edge('topic:b.t', 'queue:a.q', 'delivers'), edge('queue:a.q', 'service:a', 'delivers'),
  ]
  expect(columnsOf(new Graph(nodes, edges)).get('service:a')).toBe('asks')
  expect(columnsOf(new Graph(nodes, edges)).get('service:b')).toBe('consumes')
})

test.each(['stuck', 'story'])('%s: no two boxes touch, and every line is drawn', (scenario) => {
  const { nodes, edges } = shop(1, scenario)
  const picture = layout(nodes, edges, 900)
  const boxes = [...picture.boxes.values()]
  expect(boxes).toHaveLength(nodes.length)
  for (const a of boxes)
    for (const b of boxes)
      if (a !== b && a.column === b.column) expect(Math.abs(a.y - b.y)).toBeGreaterThanOrEqual(picture.nodeHeight)
  for (const box of boxes) {
    expect(box.y).toBeGreaterThanOrEqual(0)
    expect(box.y + picture.nodeHeight).toBeLessThanOrEqual(picture.height)
    expect(box.x + box.w).toBeLessThanOrEqual(picture.width)
  }
  for (const edge of edges) expect(picture.lines.get(lineId(edge))?.path).toMatch(/^M[\d.,\sCLQ-]+$/)
})

test('figures and the order of the answer move nothing', () => {
  const [before, after] = [shop(1), shop(40)]
  after.nodes.reverse()
  after.edges.reverse()
  expect(shapeOf(after.nodes, after.edges)).toBe(shapeOf(before.nodes, before.edges))
  const pictures = [before, after].map(({ nodes, edges }) => layout(nodes, edges, 900))
  expect(Object.fromEntries(pictures[1]!.boxes)).toEqual(Object.fromEntries(pictures[0]!.boxes))
  expect(Object.fromEntries(pictures[1]!.lines)).toEqual(Object.fromEntries(pictures[0]!.lines))
})

test('one node, none, and lines to nowhere are no trouble', () => {
  expect(layout([], [], 900).boxes.size).toBe(0)
  const lonely = { id: 'topic:t', kind: 'topic' as const, name: 't', state: 'ok' as const }
  const picture = layout([lonely], [{ from: 'service:gone', to: 'topic:t', kind: 'publishes' }], 900)
  expect(picture.boxes.size).toBe(1)
  expect(picture.lines.size).toBe(0)
})

test('places are a row apart and as near to the wishes as can be', () => {
  const at = spread([{ id: 'a', at: 2 }, { id: 'b', at: 2 }, { id: 'c', at: 2 }, { id: 'd', at: 9 }])
  expect([...at.values()]).toEqual([1, 2, 3, 9])
})

test('arrows walk to a neighbour first, and within a column', () => {
  const { nodes, edges } = shop()
  const { boxes } = layout(nodes, edges, 900)
  expect(nearest(boxes, 'service:order', 'right', edges)).toBe('topic:order.events')
  expect(nearest(boxes, 'queue:notification.mail', 'right', edges)).toBe('service:notification')
  expect(nearest(boxes, 'queue:notification.mail', 'left', edges)).toBe('topic:order.events')
  expect(nearest(boxes, 'queue:notification.mail', 'up', edges)).toBe('queue:member.points')
  expect(nearest(boxes, 'service:customer', 'left', edges)).toBeNull()
})
