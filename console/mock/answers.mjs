// The world as the server's HTTP API says it.
import { PARTITIONS } from './shop.mjs'

const WINDOW_S = 10
const round = (value, digits = 1) => Number(value.toFixed(digits))

export function flow(world) {
  const iso = new Date(world.now()).toISOString()
  const nodes = []
  const edges = []
  const services = new Map()
  const service = (name) => {
    if (!services.has(name))
      services.set(name, { id: `service:${name}`, kind: 'service', name, state: 'ok', reason: null, since: null, rate: 0, p99_ms: null, last_seen: iso, via: 'HTTP' })
    return services.get(name)
  }
  const edge = (from, to, kind, rate, p50_ms, p99_ms) => {
    edges.push({ from, to, kind, rate: round(rate), p50_ms, p99_ms, errors: 0, last_seen: iso })
    return edges.at(-1)
  }
  for (const [from, to, rate, p50, p99] of world.calls) {
    service(from)
    service(to).rate = rate
    service(to).p99_ms = p99
    edge(`service:${from}`, `service:${to}`, 'calls', world.scenario === 'disk' ? 0 : rate, p50, p99)
  }
  for (const topic of world.topics.values()) {
    service(topic.publisher)
    nodes.push({ id: `topic:${topic.name}`, kind: 'topic', name: topic.name, state: 'ok', reason: null, since: null, rate: round(topic.seen ?? topic.rate), partitions: topic.partitions, bytes: topic.bytes })
    edge(`service:${topic.publisher}`, `topic:${topic.name}`, 'publishes', topic.seen ?? topic.rate, 0.3, 0.9)
  }
  for (const queue of world.queues.values()) queueInFlow(world, queue, service, nodes, edge)
  for (const group of world.groups.values()) groupInFlow(world, group, service, nodes, edge)
  return { window_s: WINDOW_S, nodes: [...services.values(), ...nodes], edges }
}

function queueInFlow(world, queue, service, nodes, edge) {
  const since = new Date(world.since).toISOString()
  const stuck = queue.away
  const state = stuck ? 'stuck' : queue.paused ? 'slow' : 'ok'
  nodes.push({
    id: `queue:${queue.name}`, kind: 'queue', name: queue.name, state, since: stuck ? since : null,
    reason: stuck ? 'no consumer' : queue.paused ? 'paused' : null,
    rate: round(queue.seen ?? queue.rate), topic: queue.topic, ready: queue.ready, leased: queue.leased, delayed: queue.delayed,
    dead: queue.dead.length, oldest_ready_age_s: queue.ready ? round(queue.age) : null, consumers: stuck ? 0 : 1,
  })
  const consumer = service(queue.consumer)
  if (stuck) Object.assign(consumer, { state: 'gone', reason: 'connection closed by peer', since })
  edge(`topic:${queue.topic}`, `queue:${queue.name}`, 'delivers', queue.seen ?? queue.rate, 0.8, 2.4)
  edge(`queue:${queue.name}`, `service:${queue.consumer}`, 'delivers', queue.seen ?? queue.rate, 1.1, 3.9)
}

const groupReason = (group, at) => `Nobody is in it for ${Math.round((at - group.since) / 1000)} s (${group.client} at ${group.address} left). ${group.lag.toLocaleString('en')} records wait, none is lost.`

function groupInFlow(world, group, service, nodes, edge) {
  const rate = group.away ? 0 : group.rate
  nodes.push({
    id: `group:${group.name}`, kind: 'group', name: group.name, state: group.away ? 'slow' : 'ok', rate, lag: group.lag, members: group.away ? 0 : 1,
    reason: group.away ? groupReason(group, world.now()) : null, since: group.away ? new Date(group.since).toISOString() : null, group_state: group.away ? 'empty' : 'stable',
  })
  edge(`topic:${group.topic}`, `group:${group.name}`, 'delivers', rate, null, null).clients = clientsOf(world, group)
  if (group.away) return
  service(group.client).via = 'Kafka'
  edge(`group:${group.name}`, `service:${group.client}`, 'delivers', rate, null, null)
}

const clientsOf = (world, group) => [{ client: group.client, address: group.address, user: null, last_seen: new Date(world.now()).toISOString() }]

export function groupRow(group) {
  return {
    name: group.name, state: group.away ? 'empty' : 'stable', protocol_type: 'consumer', protocol: group.away ? '' : 'range', generation: 3,
    topics: [group.topic], members: group.away ? 0 : 1, lag: group.lag,
    last_rebalance: { at: new Date(group.since).toISOString(), reason: `${group.client} at ${group.address} ${group.away ? 'left' : 'joined'}` },
  }
}

export function groupDetail(group) {
  const partitions = Array.from({ length: PARTITIONS[group.topic] ?? 1 }, (_, partition) => partition)
  const each = Math.round(group.lag / partitions.length)
  const member = group.away ? null : `${group.client}-0193f0c2`
  return {
    ...groupRow(group),
    member_list: group.away ? [] : [{ id: member, instance: null, client: group.client, address: group.address, subscribed: [group.topic], assigned: [{ topic: group.topic, partitions }] }],
    partitions: partitions.map((partition) => ({
      topic: group.topic, partition, committed: 280_000 - each, first_offset: 0, next_offset: 280_000, lag: each, removed_unread: 0, metadata: '', member, client: member && group.client,
    })),
  }
}

export function queueFigures(queue) {
  return {
    name: queue.name, topic: queue.topic, ready: queue.ready, leased: queue.leased, delayed: queue.delayed,
    dead: queue.dead.length, unscanned: 0, oldest_ready_age_s: queue.ready ? round(queue.age) : null,
    delivered_per_second: round(queue.seen ?? queue.rate), acked_per_second: round(queue.seen ?? queue.rate),
    retried_per_second: queue.retried, consumers: queue.away ? 0 : 1, paused: queue.paused,
    paused_since: queue.paused ? new Date(Date.now()).toISOString() : null, lost_to_retention: 0,
    stalled: queue.away ? 'no consumer since its last one left' : null,
  }
}

export function queueDetail(queue) {
  return {
    ...queueFigures(queue),
    oldest_ready_age: queue.ready ? `${round(queue.age)}s` : null,
    from: 'latest', filter: queue.name === 'order.progress' ? { type: ['ShipmentStarted'] } : { type: ['OrderPaid', 'OrderCancelled'] },
    visibility: '30s', max_deliveries: 10, backoff: { first: '1s', factor: 2, max: '5m' }, dead_letter: `${queue.name}.dead`,
    order: 'none', on_dead: 'continue', max_depth: 1_000_000, max_bytes: '10GiB', max_age: '14d', overflow: 'dead_letter', push: null,
  }
}

export function topicDetail(world, topic) {
  const list = Array.from({ length: topic.partitions }, (_, partition) => ({
    partition, first_offset: 0, next_offset: Math.floor(topic.records / topic.partitions), bytes: Math.floor(topic.bytes / topic.partitions),
  }))
  return {
    id: '0193f0c2-77aa-7b01-9b1e-2c3d4e5f6071', name: topic.name, internal: false, retention: { time: '7d', size: null }, cleanup: 'delete',
    durability: 'flushed', timestamps: 'create', partitions: list,
    producers: [{ name: topic.publisher, last_seen: new Date(world.now()).toISOString() }],
    consumers: [...world.queues.values()].filter((q) => q.topic === topic.name).map((q) => ({ queue: q.name })),
  }
}

export function records(world, topic, partition, offset, limit) {
  const next = Math.floor(topic.records / topic.partitions)
  const list = []
  for (let at = Math.max(0, offset); at < next && list.length < limit; ++at) {
    const number = at * topic.partitions + partition
    list.push({
      partition, offset: at, timestamp: new Date(world.now() - ((next - at) * 1000 * topic.partitions) / topic.rate).toISOString(),
      key: `O-${number}`, value: { order_id: `O-${number}`, amount: (number % 90) + '.' + String(number % 100).padStart(2, '0') },
      headers: { ce_id: `evt-${number}`, ce_type: ['OrderCreated', 'OrderPaid'][number % 2], ce_source: topic.publisher, ce_specversion: '1.0', 'content-type': 'application/json', correlationid: `c-${number}` },
    })
  }
  return { records: list, next: String(offset + list.length) }
}

export function messages(world, queue, state, limit) {
  if (state === 'dead') return queue.dead.slice(0, limit)
  const count = Math.min(limit, queue[state])
  return Array.from({ length: count }, (_, index) =>
    world.message(queue, 90_000 + index * 7, {
      deliveries: 0,
      ...(state === 'delayed' ? { due: new Date(world.now() + 4000 + index * 900).toISOString(), deliveries: 3, reason: 'HTTP 503 from notification' } : {}),
      ...(state === 'leased' ? { deliveries: 1, due: new Date(world.now() + 29_000).toISOString() } : {}),
    }),
  )
}

function needs(world) {
  const list = []
  const since = new Date(world.since).toISOString()
  if (world.scenario === 'disk')
    list.push({
      id: 'disk_full', severity: 'red', kind: 'disk_full', title: 'The disk is full: publishing is refused', since, queue: null, actions: [],
      text: '212 MB are left of the 256 MiB reserve on /var/lib/pabal. Publishers get 503 and keep their events; acks and reading go on. Nothing acknowledged is lost.',
    })
  for (const queue of world.queues.values()) {
    if (queue.away)
      list.push({
        id: `no_consumer:${queue.name}`, severity: 'red', kind: 'no_consumer', title: `${queue.name} has no consumer`, since, queue: queue.name, actions: ['queue'],
        text: `Its last one left ${Math.round((world.now() - world.since) / 1000)} s ago (connection closed by peer). ${queue.ready.toLocaleString('en')} messages wait, none is lost.`,
      })
    if (queue.dead.length)
      list.push({
        id: `dead_letters:${queue.name}`, severity: 'red', kind: 'dead_letters', queue: queue.name, actions: ['queue', 'redrive'], since: queue.dead[0].died_at,
        title: `${queue.dead.length} dead ${queue.dead.length === 1 ? 'letter' : 'letters'} in ${queue.name}`,
        text: `“${queue.dead[0].reason}”, after 10 deliveries, from ${queue.topic}/${queue.dead[0].partition} at ${queue.dead[0].offset}. Kept until you redrive or purge.`,
      })
    if (queue.paused)
      list.push({ id: `resting:${queue.name}`, severity: 'amber', kind: 'resting', title: `${queue.name} is paused`, since, queue: queue.name, actions: ['queue', 'resume'], text: `${queue.ready.toLocaleString('en')} messages wait until it is resumed, none is lost.` })
  }
  for (const group of world.groups.values())
    if (group.away)
      list.push({
        id: `group.no_consumer:${group.name}`, severity: 'amber', kind: 'no_consumer', title: `consumer group ${group.name} has no members`, since: new Date(group.since).toISOString(),
        queue: null, group: group.name, actions: [], text: groupReason(group, world.now()),
      })
  return list
}

export function overview(world) {
  const queues = [...world.queues.values()].map(queueFigures)
  const dead = [...world.queues.values()].flatMap((queue) => queue.dead)
  const oldest = queues.filter((queue) => queue.oldest_ready_age_s).sort((a, b) => b.oldest_ready_age_s - a.oldest_ready_age_s)[0]
  const topics = [...world.topics.values()]
  const sum = (list, of) => round(list.reduce((total, item) => total + of(item), 0))
  return {
    now: new Date(world.now()).toISOString(), version: '0.1.0', uptime_s: round((world.now() - world.started) / 1000), window_s: WINDOW_S,
    figures: {
      published_per_second: sum(topics, (t) => t.seen ?? t.rate), delivered_per_second: sum(queues, (q) => q.delivered_per_second),
      durable_ms: topics.length ? { p50: 0.3, p99: 0.9 } : null,
      oldest_waiting: oldest ? { age_s: oldest.oldest_ready_age_s, queue: oldest.name } : null,
      dead: dead.length, dead_since: dead.length ? dead.map((m) => m.died_at).sort()[0] : null,
    },
    storage: world.scenario === 'disk'
      ? { state: 'disk_full', reason: '212 MB are left of the 256 MiB reserve', bytes: 48e9, free_bytes: 212e6 }
      : { state: 'ok', reason: null, bytes: sum(topics, (t) => t.bytes), free_bytes: 212e9 },
    needs_you: needs(world), just_happened: world.happened, queues, groups: [...world.groups.values()].map(groupRow),
    topics: topics.map((t) => ({ name: t.name, partitions: PARTITIONS[t.name] ?? 1, published_per_second: round(t.seen ?? t.rate), records: t.records, bytes: t.bytes })),
    flow: flow(world),
  }
}
