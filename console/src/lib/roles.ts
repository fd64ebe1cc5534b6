// Which column of the flow picture a node stands in: who asks, who answers, topics, queues, who consumes, the topics
// that only consumers write, and the queues by which those come back to who asked. Decided by who is joined to whom,
// never by a figure.
import type { FlowEdge, FlowNode } from './types'

export const COLUMNS = ['callers', 'asks', 'answers', 'topics', 'queues', 'consumes', 'publishes', 'returns'] as const
export type Column = (typeof COLUMNS)[number]

export const TITLES: Record<Column, string> = {
  callers: 'Callers', asks: 'Producers', answers: 'Called', topics: 'Topics', queues: 'Queues and groups', consumes: 'Consumers',
  publishes: 'Their topics', returns: 'Return queues',
}

// Neighbours by edge kind, both ways.
export class Graph {
  readonly nodes: FlowNode[]
  readonly edges: FlowEdge[]
  #out = new Map<string, FlowEdge[]>()
  #in = new Map<string, FlowEdge[]>()

  constructor(nodes: FlowNode[], edges: FlowEdge[]) {
    this.nodes = [...nodes].sort((a, b) => (a.id < b.id ? -1 : 1))
    const ids = new Set(nodes.map((node) => node.id))
    this.edges = edges.filter((edge) => ids.has(edge.from) && ids.has(edge.to) && edge.from !== edge.to)
    for (const edge of this.edges) {
      push(this.#out, edge.from, edge)
      push(this.#in, edge.to, edge)
    }
  }

  after(id: string, kind?: string): string[] {
    return (this.#out.get(id) ?? []).filter((edge) => !kind || edge.kind === kind).map((edge) => edge.to)
  }

  before(id: string, kind?: string): string[] {
    return (this.#in.get(id) ?? []).filter((edge) => !kind || edge.kind === kind).map((edge) => edge.from)
  }
}

function push<K, V>(map: Map<K, V[]>, key: K, value: V) {
  const list = map.get(key)
  if (list) list.push(value)
  else map.set(key, [value])
}

const isService = (id: string) => id.startsWith('service:')

// How many queues read what this service publishes, less how many deliver to it: who starts things stands left.
function lead(graph: Graph, id: string): number {
  const readers = graph.after(id, 'publishes').flatMap((topic) => graph.after(topic, 'delivers')).length
  return readers - graph.before(id, 'delivers').length
}

function leaders(graph: Graph): Set<string> {
  const services = graph.nodes.filter((node) => node.kind === 'service').map((node) => node.id)
  const consumes = (id: string) => graph.before(id, 'delivers').length > 0
  const callers = (id: string) => graph.before(id, 'calls')
  const source = (id: string) => !consumes(id) && !callers(id).some(isService)
  const found = services.filter((id) => {
    if (!consumes(id)) return source(id)
    if (!callers(id).length) return graph.after(id, 'calls').length > 0
    return lead(graph, id) > 0 && callers(id).some((caller) => !isService(caller) || source(caller))
  })
  if (!found.some((id) => graph.after(id, 'publishes').length)) {
    const publishers = services.filter((id) => graph.after(id, 'publishes').length)
    const best = publishers.sort((a, b) => lead(graph, b) - lead(graph, a))[0]
    if (best && lead(graph, best) > 0) found.push(best)
  }
  return new Set(found)
}

export function columnsOf(graph: Graph): Map<string, Column> {
  const columns = assign(graph, 'answers')
  // Where answers come back through queues there are columns enough: who is called stands with who consumes.
  return [...columns.values()].includes('returns') ? assign(graph, 'consumes') : columns
}

function assign(graph: Graph, called: Column): Map<string, Column> {
  const first = leaders(graph)
  const columns = new Map<string, Column>()
  const each = (kinds: string[], columnOf: (id: string) => Column) => {
    for (const { id, kind } of graph.nodes) if (kinds.includes(kind)) columns.set(id, columnOf(id))
  }
  each(['client'], () => 'callers')
  each(['service'], (id) => serviceColumn(graph, id, first, called))
  each(['topic'], (id) => topicColumn(graph, id, columns))
  each(['queue', 'channel', 'group'], (id) => queueColumn(graph, id, columns))
  return columns
}

function serviceColumn(graph: Graph, id: string, first: Set<string>, called: Column): Column {
  if (first.has(id)) {
    const onlyCallsLeaders = !graph.after(id, 'publishes').length && graph.after(id, 'calls').some((to) => first.has(to))
    return onlyCallsLeaders ? 'callers' : 'asks'
  }
  return graph.before(id, 'delivers').length ? 'consumes' : called
}

function topicColumn(graph: Graph, id: string, columns: Map<string, Column>): Column {
  const writers = graph.before(id, 'publishes')
  return writers.length && writers.every((writer) => columns.get(writer) === 'consumes') ? 'publishes' : 'topics'
}

function queueColumn(graph: Graph, id: string, columns: Map<string, Column>): Column {
  const readsBack = graph.before(id, 'delivers').some((topic) => columns.get(topic) === 'publishes')
  return readsBack && !graph.after(id, 'delivers').some((service) => columns.get(service) === 'consumes') ? 'returns' : 'queues'
}
