// What the search box offers for a text: the things of that name, and always the trace of it.
import { to } from './router.svelte'
import type { Overview } from './types'

export interface Offer {
  kind: 'Trace' | 'Topic' | 'Queue' | 'Group' | 'Service'
  name: string
  href: string
}

const OFFERS_MAX = 8

export function offers(text: string, overview: Overview | null): Offer[] {
  const wanted = text.trim()
  if (!wanted) return []
  const low = wanted.toLowerCase()
  const of = (kind: Offer['kind'], names: string[], href: (name: string) => string) =>
    names.filter((name) => name.toLowerCase().includes(low)).map((name) => ({ kind, name, href: href(name) }))
  const services = overview?.flow.nodes.filter((node) => node.kind === 'service').map((node) => node.name) ?? []
  const things = [
    ...of('Service', services, to.service),
    ...of('Queue', overview?.queues.map((queue) => queue.name) ?? [], to.queue),
    ...of('Group', overview?.groups?.map((group) => group.name) ?? [], to.group),
    ...of('Topic', overview?.topics.map((topic) => topic.name) ?? [], to.topic),
  ].sort((a, b) => Number(b.name.toLowerCase() === low) - Number(a.name.toLowerCase() === low))
  const trace: Offer = { kind: 'Trace', name: wanted, href: to.trace(wanted) }
  // A text with a figure in it is most likely an id; one without, the beginning of a name.
  const thingFirst = things.length > 0 && (!/\d/.test(wanted) || things[0]!.name.toLowerCase() === low)
  return thingFirst ? [...things.slice(0, OFFERS_MAX - 1), trace] : [trace, ...things.slice(0, OFFERS_MAX - 1)]
}
