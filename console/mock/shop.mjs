// The shop that the mock server pretends to have seen: who calls, who publishes, who reads, and how fast.

export const PARTITIONS = { 'order.events': 4 }

// topic: [publisher, records per second]
export const TOPICS = {
  'order.events': ['order', 624],
  'inventory.events': ['inventory', 312],
  'payment.events': ['payment', 312],
  'shipping.events': ['shipping', 308],
  'member.events': ['member', 210],
  'notification.events': ['notification', 309],
  'settlement.events': ['settlement', 311],
}

// queue: [topic, consumer, messages per second]
export const QUEUES = {
  'shipping.start': ['order.events', 'shipping', 308],
  'member.points': ['order.events', 'member', 210],
  'notification.mail': ['order.events', 'notification', 309],
  'settlement.book': ['order.events', 'settlement', 311],
  'order.progress': ['shipping.events', 'order', 308],
}

// consumer group: [topic, client id, address, records per second]
export const GROUPS = { analytics: ['order.events', 'analytics', '10.0.0.7', 624] }

// [from, to, calls per second, p50 ms, p99 ms]
export const CALLS = [
  ['customer', 'order', 312, 4.1, 11],
  ['order', 'inventory', 312, 0.9, 2.2],
  ['order', 'member', 250, 0.8, 1.9],
  ['order', 'payment', 312, 2.6, 8.4],
]

// What the other ways of doing the same left behind: services that call each other in a chain, and one in which
// everything is an event.
export const STORY_CALLS = [
  ['order', 'shipping', 0, 1.1, 2.9],
  ['order', 'settlement', 0, 1.3, 3.1],
  ['order', 'notification', 0, 30, 61],
  ['payment', 'notification', 0, 31, 64],
]
export const STORY_QUEUES = {
  'shipping.start': ['order.events', 'shipping', 308],
  'member.points': ['order.events', 'member', 210],
  'notification.mail': ['order.events', 'notification', 309],
  'settlement.book': ['order.events', 'settlement', 311],
  'inventory.restock': ['order.events', 'inventory', 9],
  'payment.refund': ['order.events', 'payment', 9],
  'inventory.reserve': ['order.events', 'inventory', 0],
  'member.balance': ['inventory.events', 'member', 0],
  'payment.charge': ['member.events', 'payment', 0],
  'order.intake': ['order.events', 'order', 0],
  'order.stock': ['inventory.events', 'order', 0],
  'order.member': ['member.events', 'order', 210],
  'order.progress': ['payment.events', 'order', 0],
  'order.shipped': ['shipping.events', 'order', 308],
  'order.mailed': ['notification.events', 'order', 309],
  'order.settled': ['settlement.events', 'order', 311],
}

export const MAIL_ERROR = 'amount: expected a decimal, read "12,50"'
