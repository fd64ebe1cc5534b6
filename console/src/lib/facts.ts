// Sentences and small judgements about queues and services, so that every page says the same.
import { ageSince, count, milliseconds, plural, rate, seconds, span } from './format'
import type { Flow, FlowEdge, FlowNode, GroupRow, QueueFigures } from './types'

export type Tone = '' | 'red' | 'amber'

// What waits in a queue: what is ready, and what of its topic it has not looked at yet.
export const waiting = (queue: { ready?: number; unscanned?: number | null }) => (queue.ready ?? 0) + (queue.unscanned ?? 0)

// A queue that somebody paused is as he wants it: amber, whatever it is called.
export function toneOf(node: FlowNode | undefined, paused?: ReadonlySet<string>): Tone {
  if (!node) return ''
  if (node.kind === 'queue' && paused?.has(node.name)) return 'amber'
  return node.state === 'stuck' || node.state === 'gone' ? 'red' : node.state === 'slow' ? 'amber' : ''
}

export const nodeOf = (flow: Flow | undefined, id: string) => flow?.nodes.find((node) => node.id === id)
export const nameOf = (id: string) => id.slice(id.indexOf(':') + 1)

// The second line of a node in the flow picture.
export function subline(node: FlowNode, flow: Flow, now: number): string {
  if (node.kind === 'queue') return queueLine(node)
  if (node.kind === 'group') return `${count(node.lag)} behind`
  if (node.kind === 'topic') return `${rate(node.rate)}/s · ${plural(node.partitions ?? 1, 'partition')}`
  if (node.state === 'gone') {
    const age = ageSince(node.since, now)
    return age === null ? 'gone' : `gone for ${span(age)}`
  }
  if (node.kind === 'client') return `${rate(sum(flow.edges.filter((edge) => edge.from === node.id)) ?? node.rate)}/s`
  const into = flow.edges.filter((edge) => edge.to === node.id)
  const answers = sum(into.filter((edge) => edge.kind === 'calls'))
  if (answers && node.p99_ms != null) return `${rate(answers)}/s · p99 ${milliseconds(node.p99_ms)}`
  const takes = sum(into.filter((edge) => edge.kind === 'delivers'))
  return `${rate(takes ?? answers ?? sum(flow.edges.filter((edge) => edge.from === node.id)) ?? node.rate)}/s`
}

const sum = (edges: FlowEdge[]) => (edges.length ? edges.reduce((total, edge) => total + (edge.rate ?? 0), 0) : null)

function queueLine(node: FlowNode): string {
  const parts = [`${count(waiting(node))} waiting`]
  if (node.state !== 'ok' && node.oldest_ready_age_s != null) parts.push(seconds(node.oldest_ready_age_s))
  return parts.join(' · ')
}

// What the server gives as a reason is a word or two, or sentences that say all there is to say.
const isSentence = (reason: string) => reason.endsWith('.')

export const groupTone = (flow: Flow | undefined, name: string): Tone => toneOf(nodeOf(flow, `group:${name}`))

// One sentence that says how a consumer group is.
export function groupVerdict(group: GroupRow, node: FlowNode | undefined): string {
  if (node && node.state !== 'ok' && node.reason) return node.reason
  if (group.state.endsWith('rebalance')) return 'Its members are sharing out the partitions.'
  const behind = group.lag ? `${plural(group.lag, 'record')} behind.` : group.lag === 0 ? 'It has read everything.' : 'It has committed nothing yet.'
  return group.members ? `${plural(group.members, 'member')}. ${behind}` : `Nobody is in it. ${behind}`
}

// One sentence that says how a queue is.
export function verdict(queue: QueueFigures, node: FlowNode | undefined, now: number): { tone: Tone; text: string } {
  const n = waiting(queue)
  const waits = `${plural(n, 'message')} ${n === 1 ? 'waits' : 'wait'}`
  if (queue.paused) return { tone: 'amber', text: `Paused${forHowLong(queue.paused_since, now)}. ${waits}; none is lost.` }
  if (node && node.state !== 'ok') return { tone: toneOf(node), text: trouble(node, now, `${waits}; none is lost.`) }
  if (queue.stalled) return { tone: 'amber', text: isSentence(queue.stalled) ? queue.stalled : `${queue.stalled}. ${waits}; none is lost.` }
  if (queue.dead) return { tone: 'red', text: `Flowing, but ${plural(queue.dead, 'message')} could not be handled and ${queue.dead === 1 ? 'waits' : 'wait'} as dead letters.` }
  return { tone: '', text: n ? `Flowing. ${waits}, the oldest for ${seconds(queue.oldest_ready_age_s)}.` : 'Flowing. Nothing waits.' }
}

function forHowLong(since: string | null | undefined, now: number): string {
  const age = ageSince(since, now)
  return age === null ? '' : ` for ${span(age)}`
}

// "Stuck for 42 s (no consumer). …", or what the server says where that says it all.
export function trouble(node: FlowNode, now: number, more: string): string {
  if (node.reason && isSentence(node.reason)) return node.reason
  const word = { slow: 'Slow', stuck: 'Stuck', gone: 'Gone', ok: 'Well' }[node.state]
  return `${word}${forHowLong(node.since, now)}${node.reason ? ` (${node.reason})` : ''}. ${more}`
}

// A traffic line in words: "624 per second, p50 0.4 ms, p99 1.2 ms, no errors".
export function edgeFigures(edge: FlowEdge, windowS: number): string {
  const parts = [`${rate(edge.rate)} per second over ${windowS} s`]
  if (edge.p50_ms != null) parts.push(`p50 ${milliseconds(edge.p50_ms)}`)
  if (edge.p99_ms != null) parts.push(`p99 ${milliseconds(edge.p99_ms)}`)
  if (edge.errors != null) parts.push(edge.errors ? plural(edge.errors, 'error') : 'no errors')
  return parts.join(', ')
}
