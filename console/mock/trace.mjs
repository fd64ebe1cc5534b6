// The path of one order: paid at once, its e-mail tried, failed, retried, dead and redriven minutes later.
import { MAIL_ERROR } from './shop.mjs'

const stamp = (ms) => new Date(ms).toISOString()

export function trace(world, id) {
  const known = /^(O-|c-|evt-)?\d+$/.test(id)
  const complete_since = new Date(world.started - 3_600_000).toISOString()
  if (!known || world.scenario === 'empty') return { id, complete_since, found: false, entries: [] }
  const number = id.replace(/\D/g, '')
  const start = world.now() - 402_000
  const entries = []
  const add = (ms, entry) =>
    entries.push({ at: stamp(start + ms), key: `O-${number}`, correlation_id: `c-${number}`, ...entry })
  add(0, { kind: 'call', service: 'customer', peer: 'order', outcome: 'ok', duration_ms: 11.2 })
  add(1.1, { kind: 'call', service: 'order', peer: 'inventory', outcome: 'ok', duration_ms: 1.9 })
  add(3.4, { kind: 'call', service: 'order', peer: 'member', outcome: 'ok', duration_ms: 1.2 })
  add(4.9, { kind: 'call', service: 'order', peer: 'payment', outcome: 'failed', reason: 'connection refused', duration_ms: 0.8 })
  add(6.2, { kind: 'call', service: 'order', peer: 'payment', outcome: 'ok', duration_ms: 3.6 })
  add(12.5, { kind: 'published', service: 'order', topic: 'order.events', partition: 3, offset: 48_211, record_id: `evt-${number}`, type: 'OrderPaid' })
  const paid = { record_id: `evt-${number}`, type: 'OrderPaid', topic: 'order.events', partition: 3, offset: 48_211 }
  for (const [at, queue, service, work] of [[13.6, 'shipping.start', 'shipping', 4.1], [13.9, 'member.points', 'member', 2.2], [14.1, 'settlement.book', 'settlement', 6.3]]) {
    add(at, { kind: 'delivered', queue, service, ...paid, delivery: 1, duration_ms: at - 12.5 })
    add(at + work, { kind: 'acked', queue, service, ...paid, delivery: 1, outcome: 'ok', duration_ms: work })
  }
  add(18.9, { kind: 'published', service: 'shipping', topic: 'shipping.events', partition: 0, offset: 9_120, record_id: `evt-${number}-s`, type: 'ShipmentStarted', causation_id: `evt-${number}` })
  const mail = { queue: 'notification.mail', service: 'notification', ...paid }
  for (const [at, delivery, due] of [[14.4, 1, 1020], [1020, 2, 3030], [3030, 3, null]]) {
    add(at, { kind: delivery > 1 ? 'retry' : 'delivered', ...mail, delivery })
    add(at + 2.1, { kind: 'failed', ...mail, delivery, outcome: 'failed', reason: MAIL_ERROR, duration_ms: 2.1, ...(due ? { due: stamp(start + due) } : {}) })
  }
  add(3032.4, { kind: 'dead', ...mail, delivery: 3, outcome: 'dead', reason: MAIL_ERROR })
  add(3032.6, { kind: 'published', topic: 'notification.mail.dead', partition: 0, offset: 0, record_id: `evt-${number}`, type: 'OrderPaid' })
  add(390_400, { kind: 'redriven', ...mail })
  add(390_402, { kind: 'retry', ...mail, delivery: 4 })
  add(390_409, { kind: 'acked', ...mail, delivery: 4, outcome: 'ok', duration_ms: 7.2 })
  add(390_411, { kind: 'published', service: 'notification', topic: 'notification.events', partition: 0, offset: 8_002, record_id: `evt-${number}-n`, type: 'NotificationSent', causation_id: `evt-${number}` })
  entries.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
  return { id, complete_since, found: true, entries }
}
