// What the server answers, field by field as its HTTP API names them. Fields that may be missing are optional.

export type NodeState = 'ok' | 'slow' | 'stuck' | 'gone'
export type NodeKind = 'service' | 'topic' | 'queue' | 'channel' | 'client' | 'group'
export type EdgeKind = 'publishes' | 'delivers' | 'calls'

export interface FlowNode {
  id: string
  kind: NodeKind
  name: string
  state: NodeState
  reason?: string | null
  since?: string | null
  rate?: number | null
  // queues
  topic?: string | null
  ready?: number
  leased?: number
  delayed?: number
  unscanned?: number | null
  dead?: number
  oldest_ready_age_s?: number | null
  consumers?: number
  // consumer groups
  lag?: number | null
  members?: number
  group_state?: string
  // topics
  partitions?: number
  bytes?: number
  // services
  p99_ms?: number | null
  last_seen?: string | null
  via?: string | null
  clients?: ClientSeen[]
}

// Where somebody connects from, of a door that says it.
export interface ClientSeen {
  client: string
  address: string
  user?: string | null
  last_seen: string
}

export interface FlowEdge {
  from: string
  to: string
  kind: EdgeKind
  rate?: number | null
  p50_ms?: number | null
  p99_ms?: number | null
  errors?: number | null
  last_seen?: string | null
  clients?: ClientSeen[]
}

export interface Flow {
  window_s: number
  nodes: FlowNode[]
  edges: FlowEdge[]
}

export interface Need {
  id: string
  severity: 'red' | 'amber'
  kind: string
  title: string
  text: string
  since?: string | null
  queue?: string | null
  topic?: string | null
  service?: string | null
  group?: string | null
  actions: string[]
}

export interface Happening {
  at: string
  text: string
  queue?: string | null
  topic?: string | null
  service?: string | null
}

export interface QueueFigures {
  name: string
  topic: string
  ready: number
  leased: number
  delayed: number
  dead: number
  unscanned?: number | null
  oldest_ready_age_s?: number | null
  delivered_per_second?: number | null
  acked_per_second?: number | null
  retried_per_second?: number | null
  consumers?: number | null
  stalled?: string | null
  paused?: boolean
  paused_since?: string | null
  lost_to_retention?: number
  dead_letter?: string | null
}

export interface GroupRow {
  name: string
  state: string
  protocol: string
  generation: number
  topics: string[]
  members: number
  lag: number | null
  last_rebalance: { at: string; reason: string } | null
}

export interface GroupDetail extends GroupRow {
  member_list: { id: string; instance: string | null; client: string; address: string; subscribed: string[]; assigned: { topic: string; partitions: number[] }[] }[]
  partitions: {
    topic: string
    partition: number
    committed: number | null
    first_offset: number | null
    next_offset: number | null
    lag: number | null
    removed_unread: number
    member: string | null
    client: string | null
  }[]
}

export interface TopicFigures {
  name: string
  partitions: number
  published_per_second?: number | null
  records: number
  bytes: number
}

export interface Overview {
  now: string
  version: string
  uptime_s: number
  window_s: number
  figures: {
    published_per_second: number
    delivered_per_second: number
    durable_ms?: { p50: number | null; p99: number | null } | null
    oldest_waiting?: { age_s: number; queue: string } | null
    dead: number
    dead_since?: string | null
  }
  storage?: { state: string; reason?: string | null; bytes: number; free_bytes: number }
  needs_you: Need[]
  just_happened: Happening[]
  queues: QueueFigures[]
  topics: TopicFigures[]
  queues_total?: number
  groups?: GroupRow[]
  topics_total?: number
  flow: Flow
}

export interface Partition {
  partition: number
  first_offset: number
  next_offset: number
  bytes: number
  lost?: number
}

export interface TopicDetail {
  id?: string
  name?: string
  partitions: Partition[]
  [setting: string]: unknown
}

export interface RecordLook {
  partition: number
  offset: number
  timestamp: string
  key?: string | null
  key_base64?: string
  value?: unknown
  value_base64?: string
  tombstone?: boolean
  headers?: Record<string, string>
}

export type MessageState = 'ready' | 'leased' | 'delayed' | 'dead'

export interface MessageLook {
  id: string
  key?: string | null
  body?: unknown
  body_base64?: string
  headers?: Record<string, string>
  deliveries?: number
  reason?: string | null
  died_at?: string | null
  enqueued_at?: string | null
  due?: string | null
  topic?: string | null
  partition?: number
  offset?: number
}

export interface Redrive {
  state: 'running' | 'done' | 'stopped'
  total: number
  moved: number
}

export interface TraceEntry {
  at: string
  kind: 'published' | 'delivered' | 'acked' | 'failed' | 'retry' | 'dead' | 'redriven' | 'call'
  service?: string | null
  peer?: string | null
  topic?: string | null
  partition?: number
  offset?: number
  queue?: string | null
  record_id?: string | null
  type?: string | null
  key?: string | null
  correlation_id?: string | null
  causation_id?: string | null
  delivery?: number
  outcome?: string | null
  reason?: string | null
  duration_ms?: number | null
  due?: string | null
}

export interface Trace {
  id: string
  complete_since?: string | null
  found: boolean
  truncated?: boolean
  entries: TraceEntry[]
}

export interface Problem {
  title?: string
  status?: number
  detail?: string
}
