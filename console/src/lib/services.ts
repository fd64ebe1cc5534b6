// A service as the flow knows it: what it calls, answers, publishes and takes.
import type { Flow, FlowEdge, FlowNode } from './types'

export interface ServiceView {
  node: FlowNode
  calledBy: FlowEdge[]
  calls: FlowEdge[]
  publishes: FlowEdge[]
  takes: FlowEdge[]
}

export function serviceViews(flow: Flow | undefined): ServiceView[] {
  if (!flow) return []
  return flow.nodes
    .filter((node) => node.kind === 'service')
    .map((node) => ({
      node,
      calledBy: flow.edges.filter((edge) => edge.to === node.id && edge.kind === 'calls'),
      calls: flow.edges.filter((edge) => edge.from === node.id && edge.kind === 'calls'),
      publishes: flow.edges.filter((edge) => edge.from === node.id && edge.kind === 'publishes'),
      takes: flow.edges.filter((edge) => edge.to === node.id && edge.kind === 'delivers'),
    }))
    .sort((a, b) => (a.node.name < b.node.name ? -1 : 1))
}

export const total = (edges: FlowEdge[]) => (edges.length ? edges.reduce((sum, edge) => sum + (edge.rate ?? 0), 0) : null)
