// How high each node of the flow picture stands, in rows: a queue, who consumes it, what that one publishes and the
// queue by which it comes back share a row; topics stand in the middle of their readers, those who ask in the middle of what they publish.
import type { Column, Graph } from './roles'

interface Wish {
  id: string
  at: number
}

// Places as near to the wishes as can be, in their order, at least one row apart (pool adjacent violators).
export function spread(wishes: Wish[]): Map<string, number> {
  const sorted = [...wishes].sort((a, b) => a.at - b.at || (a.id < b.id ? -1 : 1))
  const blocks: { sum: number; count: number; first: number }[] = []
  sorted.forEach((wish, index) => {
    blocks.push({ sum: wish.at - index, count: 1, first: index })
    for (;;) {
      const last = blocks.at(-1)!
      const before = blocks.at(-2)
      if (!before || before.sum / before.count <= last.sum / last.count) break
      blocks.pop()
      before.sum += last.sum
      before.count += last.count
    }
  })
  const places = new Map<string, number>()
  for (const block of blocks)
    for (let i = 0; i < block.count; ++i)
      places.set(sorted[block.first + i]!.id, block.sum / block.count + block.first + i)
  return places
}

const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length

class Rows {
  readonly at = new Map<string, number>()
  readonly #columns: Map<string, Column>
  readonly #graph: Graph

  constructor(graph: Graph, columns: Map<string, Column>) {
    this.#graph = graph
    this.#columns = columns
  }

  in(column: Column): string[] {
    return this.#graph.nodes.map((node) => node.id).filter((id) => this.#columns.get(id) === column)
  }

  // The middle of those of `ids` that already have a place.
  middle(ids: string[], otherwise: number): number {
    const known = ids.flatMap((id) => this.at.get(id) ?? [])
    return known.length ? mean(known) : otherwise
  }

  settle(ids: string[], wish: (id: string) => number) {
    for (const [id, at] of spread(ids.map((id) => ({ id, at: wish(id) })))) this.at.set(id, at)
  }

  placeQueues() {
    const graph = this.#graph
    const consumerOf = (queue: string) =>
      graph.after(queue, 'delivers').filter((id) => this.#columns.get(id) === 'consumes').sort()[0]
    const topicsOf = (service: string) => graph.after(service, 'publishes').filter((topic) => this.#columns.get(topic) === 'publishes')
    const returnsOf = (service: string) =>
      topicsOf(service).flatMap((topic) => graph.after(topic, 'delivers')).filter((queue) => this.#columns.get(queue) === 'returns')
    const groups = new Map<string, string[]>()
    for (const queue of this.in('queues')) {
      const key = consumerOf(queue) ?? queue
      groups.set(key, [...(groups.get(key) ?? []), queue])
    }
    for (const service of this.in('consumes')) if (!groups.has(service)) groups.set(service, [])
    const rank = (queues: string[]) => {
      if (!queues.length) return '0' // who is only called, below those who consume
      const back = queues.every((queue) => !consumerOf(queue) && graph.after(queue, 'delivers').length) ? '1' : '0'
      const source = graph.before(queues[0]!, 'delivers').sort((a, b) => graph.after(b).length - graph.after(a).length)[0] ?? ''
      return `${back} ${String(9999 - (source ? graph.after(source, 'delivers').length : 0)).padStart(4, '0')} ${source}`
    }
    const order = [...groups].sort(([a, x], [b, y]) => (rank(x) + a < rank(y) + b ? -1 : 1))
    let row = 0
    for (const [key, queues] of order) {
      const height = Math.max(queues.length, topicsOf(key).length, returnsOf(key).length, 1)
      const start = row + (height - queues.length) / 2
      queues.forEach((queue, index) => this.at.set(queue, start + index))
      if (!queues.length) this.at.set(key, row + (height - 1) / 2)
      row += height
    }
  }

  // Those who are called stand above the line from the asking service to its topic, the rest of them below it.
  placeAnswers(middle: number) {
    const answers = this.in('answers')
    const above = Math.min(answers.length, Math.max(Math.floor(middle), Math.ceil(answers.length / 2)))
    answers.forEach((id, index) => {
      const step = index < above ? index - above : index - above + 1
      this.at.set(id, middle + step)
    })
  }

  // To the top row, so that nothing stands above it.
  lift(): number {
    const top = Math.min(...this.at.values())
    const bottom = Math.max(...this.at.values())
    for (const [id, at] of this.at) this.at.set(id, at - top)
    return bottom - top + 1
  }
}

export function rowsOf(graph: Graph, columns: Map<string, Column>): { at: Map<string, number>; count: number } {
  const rows = new Rows(graph, columns)
  rows.placeQueues()
  const queueCount = rows.in('queues').length
  const centre = Math.max(0, (queueCount - 1) / 2)
  const consumers = rows.in('consumes')
  rows.settle(consumers, (id) => rows.middle(graph.before(id, 'delivers'), rows.at.get(id) ?? centre))
  rows.settle(rows.in('publishes'), (id) => rows.middle(graph.before(id, 'publishes'), centre))
  rows.settle(rows.in('returns'), (id) => rows.middle(graph.before(id, 'delivers'), centre))
  const topics = rows.in('topics')
  const read = topics.filter((id) => graph.after(id, 'delivers').length)
  rows.settle(read, (id) => rows.middle(graph.after(id, 'delivers'), centre))
  const asks = rows.in('asks')
  const wishOfAsker = (id: string) => rows.middle(graph.after(id, 'publishes'), rows.middle(graph.after(id, 'calls'), centre))
  rows.settle(asks, wishOfAsker)
  rows.placeAnswers(asks.length ? mean(asks.map((id) => rows.at.get(id)!)) : centre)
  rows.settle(topics, (id) => rows.at.get(id) ?? rows.middle(graph.before(id, 'publishes'), centre))
  rows.settle(rows.in('callers'), (id) => rows.middle(graph.after(id), centre))
  return { at: rows.at, count: rows.at.size ? rows.lift() : 0 }
}
