// The state behind the mock: figures that move a little, messages that wait, lease, die and are redriven. A seeded
// generator makes a run repeatable; `tick(seconds)` is all the time there is.
import { CALLS, GROUPS, MAIL_ERROR, PARTITIONS, QUEUES, STORY_CALLS, STORY_QUEUES, TOPICS } from './shop.mjs'

export const SCENARIOS = ['empty', 'calm', 'stuck', 'dead', 'poison', 'disk', 'story']

function generator(seed) {
  let state = seed >>> 0
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

export class World {
  constructor(scenario = 'calm', now = () => Date.now()) {
    this.now = now
    this.scenario = scenario
    this.random = generator(7)
    this.started = now()
    this.redrives = new Map()
    this.happened = []
    this.since = now() - 42_000
    this.topics = new Map()
    this.queues = new Map()
    this.groups = new Map()
    if (scenario !== 'empty') this.open()
  }

  open() {
    for (const [name, [publisher, rate]] of Object.entries(TOPICS)) {
      const partitions = PARTITIONS[name] ?? 1
      this.topics.set(name, { name, publisher, rate, partitions, records: Math.round(rate * 1800), bytes: rate * 1800 * 412 })
    }
    const queues = this.scenario === 'story' ? STORY_QUEUES : QUEUES
    for (const [name, [topic, consumer, rate]] of Object.entries(queues)) {
      this.queues.set(name, {
        name, topic, consumer, rate,
        ready: Math.floor(this.random() * 4), leased: 2 + Math.floor(this.random() * 6), delayed: 0, age: 0.1,
        dead: [], paused: false, away: false, retried: 0,
      })
    }
    if (this.scenario !== 'story')
      for (const [name, [topic, client, address, rate]] of Object.entries(GROUPS))
        this.groups.set(name, { name, topic, client, address, rate, lag: this.scenario === 'stuck' ? 4_821 : 12, away: this.scenario === 'stuck', since: this.now() - 90_000 })
    this.tell(8 * 60, 'order.events was made with 4 partitions', { topic: 'order.events' })
    this.tell(5 * 60, 'shipping joined shipping.start', { queue: 'shipping.start', service: 'shipping' })
    const mail = this.queues.get('notification.mail')
    if (this.scenario === 'stuck') {
      Object.assign(mail, { away: true, ready: 11_904, leased: 0, age: 38 })
      this.tell(42, 'notification left notification.mail (connection closed by peer)', { queue: mail.name, service: 'notification' })
    }
    if (this.scenario === 'dead' || this.scenario === 'stuck') this.bury(mail, 1)
    if (this.scenario === 'poison') {
      this.bury(mail, 23)
      this.bury(this.queues.get('settlement.book'), 3)
      Object.assign(mail, { retried: 4.2, delayed: 12 })
    }
    if (this.scenario === 'dead' || this.scenario === 'stuck' || this.scenario === 'poison')
      this.tell(330, 'a message of notification.mail was dead-lettered', { queue: mail.name })
  }

  tell(secondsAgo, text, about = {}) {
    this.happened.push({ at: new Date(this.now() - secondsAgo * 1000).toISOString(), text, queue: null, topic: null, service: null, ...about })
    this.happened.sort((a, b) => (a.at < b.at ? 1 : -1))
    this.happened.length = Math.min(this.happened.length, 20)
  }

  bury(queue, count) {
    for (let i = 0; i < count; ++i) {
      const died = this.now() - 330_000 + i * 1700
      queue.dead.push(this.message(queue, 4711 + i * 13, {
        deliveries: 10,
        reason: queue.name === 'settlement.book' ? 'HTTP 500 from settlement: ledger is closed for 2010-12' : MAIL_ERROR,
        enqueued_at: new Date(died - 95_000).toISOString(),
        died_at: new Date(died).toISOString(),
      }))
    }
  }

  message(queue, number, more = {}) {
    const order = `O-${number}`
    return {
      id: `0193f0c2-77aa-7${String(number).padStart(3, '0').slice(-3)}-9b1e-${String(number).padStart(12, '0')}`,
      key: order,
      body: { order_id: order, customer: '17850', amount: '12,50', lines: [{ sku: '85123A', quantity: 6, price: '2.55' }] },
      headers: {
        ce_id: `evt-${number}`, ce_type: 'OrderPaid', ce_source: 'order', ce_specversion: '1.0',
        'content-type': 'application/json', correlationid: `c-${number}`, causationid: `evt-${number - 1}`,
      },
      deliveries: 1, reason: null, enqueued_at: new Date(this.now() - 900).toISOString(),
      topic: queue.topic, partition: number % (PARTITIONS[queue.topic] ?? 1), offset: 43_500 + number,
      ...more,
    }
  }

  tick(seconds) {
    for (const topic of this.topics.values()) {
      const away = [...this.queues.values()].some((queue) => queue.away && queue.consumer === topic.publisher)
      topic.seen = this.scenario === 'disk' || away ? 0 : topic.rate * (0.97 + 0.06 * this.random())
      topic.records += Math.round(topic.seen * seconds)
      topic.bytes += Math.round(topic.seen * seconds * 412)
    }
    for (const queue of this.queues.values()) this.work(queue, seconds)
    for (const redrive of this.redrives.values()) this.advance(redrive, seconds)
  }

  work(queue, seconds) {
    const arriving = this.scenario === 'disk' ? 0 : queue.rate * (0.97 + 0.06 * this.random())
    if (queue.away || queue.paused) {
      queue.ready += Math.round(arriving * seconds)
      queue.age += seconds
      queue.leased = 0
      queue.seen = 0
      return
    }
    queue.ready = Math.max(0, Math.round(queue.ready * 0.5 + this.random() * 3))
    queue.leased = 2 + Math.floor(this.random() * 6)
    queue.age = queue.ready ? 0.02 + this.random() * 0.15 : 0
    queue.seen = arriving
  }

  advance(redrive, seconds) {
    if (redrive.state !== 'running') return
    const queue = this.queues.get(redrive.queue)
    const step = Math.max(1, Math.round(redrive.rate * seconds))
    for (let i = 0; i < step && redrive.ids.length; ++i) {
      const id = redrive.ids.shift()
      const at = queue.dead.findIndex((message) => message.id === id)
      if (at < 0) continue
      queue.dead.splice(at, 1)
      redrive.moved += 1
    }
    if (redrive.ids.length) return
    redrive.state = 'done'
    this.tell(0, `${redrive.moved} dead letters of ${redrive.queue} were redriven`, { queue: redrive.queue })
  }

  redrive(queue, ids, rate = 12) {
    const id = `r-${this.redrives.size + 1}`
    const wanted = ids ?? queue.dead.map((message) => message.id)
    this.redrives.set(id, { id, queue: queue.name, ids: [...wanted], total: wanted.length, moved: 0, state: 'running', rate })
    return id
  }

  get calls() {
    if (this.scenario === 'story') return [...CALLS, ...STORY_CALLS]
    return this.scenario === 'empty' ? [] : CALLS
  }
}
