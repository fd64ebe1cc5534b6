// The flow picture: where every node stands and how every line runs, in pixels. A pure function of who is joined
// to whom and of the room there is, so nothing moves when a figure changes, and everybody sees the same picture.
import { Graph, COLUMNS, TITLES, columnsOf, type Column } from './roles'
import { rowsOf } from './rows'
import type { FlowEdge, FlowNode } from './types'

export const NODE_HEIGHT = 52
const ROW_HEIGHT = 72
const TOP = 30
const GAP_MIN = 21
const GAP_MAX = 96
const WIDTH: Record<Column, [number, number]> = {
  callers: [84, 150], asks: [136, 170], answers: [136, 170], topics: [136, 180], queues: [150, 190], consumes: [136, 170],
  publishes: [126, 176],
}

export interface Box {
  x: number
  y: number
  w: number
  column: number
}

export interface Line {
  id: string
  path: string
  back: boolean
}

export interface Picture {
  width: number
  height: number
  boxes: Map<string, Box>
  lines: Map<string, Line>
  titles: { text: string; x: number }[]
}

export const lineId = (edge: FlowEdge) => `${edge.kind} ${edge.from} ${edge.to}`

// Two flows with the same shape have the same picture.
export function shapeOf(nodes: FlowNode[], edges: FlowEdge[]): string {
  return [...nodes.map((node) => node.id).sort(), '|', ...edges.map(lineId).sort()].join('\n')
}

function widthOf(column: Column, names: string[]): number {
  const [least, most] = WIDTH[column]
  const longest = Math.max(...names.map((name) => name.length))
  return Math.round(Math.min(most, Math.max(least, longest * 7.4 + 30)))
}

// Where each column begins. The lines fan out between topics and queues: that gap is twice as wide as the others.
function positions(used: Column[], widths: number[], spare: number): number[] {
  const weights = used.slice(1).map((column) => (column === 'queues' ? 2 : 1))
  const unit = spare / Math.max(1, weights.reduce((total, weight) => total + weight, 0))
  const left = [0]
  weights.forEach((weight, index) => {
    const gap = Math.min(GAP_MAX * weight, Math.max(GAP_MIN * weight, unit * weight))
    left.push(left[index]! + widths[index]! + gap)
  })
  return left
}

export function layout(nodes: FlowNode[], edges: FlowEdge[], room: number): Picture {
  const graph = new Graph(nodes, edges)
  const columnOf = columnsOf(graph)
  const rows = rowsOf(graph, columnOf)
  const used = COLUMNS.filter((column) => graph.nodes.some((node) => columnOf.get(node.id) === column))
  const widths = used.map((column) => widthOf(column, graph.nodes.filter((n) => columnOf.get(n.id) === column).map((n) => n.name)))
  const sum = widths.reduce((total, width) => total + width, 0)
  const left = positions(used, widths, room - sum)
  const boxes = new Map<string, Box>()
  for (const { id } of graph.nodes) {
    const column = used.indexOf(columnOf.get(id)!)
    boxes.set(id, { x: left[column]!, y: TOP + rows.at.get(id)! * ROW_HEIGHT, w: widths[column]!, column })
  }
  const height = TOP + Math.max(1, rows.count) * ROW_HEIGHT
  return {
    width: used.length ? left.at(-1)! + widths.at(-1)! : 0,
    height,
    boxes,
    lines: new Router(boxes, left, widths, height).all(graph.edges),
    titles: used.map((column, index) => ({ text: TITLES[column], x: left[index]! })),
  }
}

// Draws the lines. One that passes other columns runs level through them, between the boxes.
class Router {
  readonly #boxes: Map<string, Box>
  readonly #left: number[]
  readonly #widths: number[]
  readonly #height: number
  readonly #taken = new Map<number, number>()

  constructor(boxes: Map<string, Box>, left: number[], widths: number[], height: number) {
    this.#boxes = boxes
    this.#left = left
    this.#widths = widths
    this.#height = height
  }

  all(edges: FlowEdge[]): Map<string, Line> {
    const sorted = [...edges].sort((a, b) => (lineId(a) < lineId(b) ? -1 : 1))
    return new Map(sorted.map((edge) => [lineId(edge), this.#line(edge)]))
  }

  #line(edge: FlowEdge): Line {
    const from = this.#boxes.get(edge.from)!
    const to = this.#boxes.get(edge.to)!
    const id = lineId(edge)
    if (to.column > from.column) return { id, path: this.#forward(from, to), back: false }
    if (to.column === from.column) return { id, path: arc(from, to), back: true }
    return { id, path: this.#backward(from, to), back: true }
  }

  #forward(from: Box, to: Box): string {
    const start = [from.x + from.w, middle(from)] as const
    const end = [to.x, middle(to)] as const
    if (to.column === from.column + 1) return `M${start}${curve(start, end)}`
    const level = this.#level(from.column + 1, to.column - 1, start[1], end[1])
    const enter = [this.#left[from.column + 1]!, level] as const
    const leave = [this.#left[to.column - 1]! + this.#widths[to.column - 1]!, level] as const
    return `M${start}${curve(start, enter)}L${leave}${curve(leave, end)}`
  }

  // Out of the bottom, level beneath its row to the gap right of the other's column, along that gap to a level
  // beside the other, and into it from below or above: never through a box of these columns.
  #backward(from: Box, to: Box): string {
    const gutter = (ROW_HEIGHT - NODE_HEIGHT) / 2
    const first = this.#apart(from.y + NODE_HEIGHT + gutter)
    const below = first > to.y
    const near = below ? to.y + NODE_HEIGHT + gutter : to.y - gutter
    const last = Math.abs(near - first) < ROW_HEIGHT / 4 ? first : this.#apart(near)
    const x1 = from.x + from.w / 2
    const x2 = to.x + to.w * 0.6
    const end: Point = [x2, below ? to.y + NODE_HEIGHT + 1.5 : to.y - 1.5]
    const gap = this.#gapAfter(to.column)
    const way: Point[] = [[x1, from.y + NODE_HEIGHT], [x1, first]]
    if (last !== first) way.push([gap, first], [gap, last])
    return rounded([...way, [x2, last], end])
  }

  // A place of its own in the gap right of a column.
  #gapAfter(column: number): number {
    const right = this.#left[column]! + this.#widths[column]!
    const room = (this.#left[column + 1] ?? right + GAP_MIN) - right
    const lines = this.#taken.get(-1 - column) ?? 0
    this.#taken.set(-1 - column, lines + 1)
    return right + room / 2 + ((lines % 2 ? 1 : -1) * Math.min(room / 2 - 4, Math.ceil(lines / 2) * 4))
  }

  // The level nearest to both ends at which no box of the columns between is in the way.
  #level(first: number, last: number, start: number, end: number): number {
    const between = [...this.#boxes.values()].filter((box) => box.column >= first && box.column <= last)
    const free = (y: number) => between.every((box) => y < box.y - 4 || y > box.y + NODE_HEIGHT + 4)
    const gutters = []
    for (let y = TOP - (ROW_HEIGHT - NODE_HEIGHT) / 2; y <= this.#height; y += ROW_HEIGHT / 2) gutters.push(y)
    const cost = (y: number) => Math.abs(y - start) + Math.abs(y - end)
    if (free(start) && cost(start) <= cost(end)) return start
    if (free(end)) return end
    const best = gutters.filter(free).sort((a, b) => cost(a) - cost(b) || a - b)[0]
    return best === undefined ? end : this.#apart(best)
  }

  // Lines that share a level run side by side.
  #apart(level: number): number {
    const lines = this.#taken.get(level) ?? 0
    this.#taken.set(level, lines + 1)
    return level + (lines % 2 ? 1 : -1) * Math.min(8, Math.ceil(lines / 2) * 3)
  }
}

type Point = readonly [number, number]
const middle = (box: Box) => box.y + NODE_HEIGHT / 2

function curve([x1, y1]: Point, [x2, y2]: Point): string {
  if (y1 === y2) return `L${x2},${y2}`
  const bend = Math.max(18, (x2 - x1) * 0.55)
  return `C${x1 + bend},${y1} ${x2 - bend},${y2} ${x2},${y2}`
}

const TURN = 12

// Straight from point to point, the corners rounded.
function rounded(points: Point[]): string {
  let path = `M${points[0]}`
  for (let i = 1; i < points.length - 1; ++i) {
    const [before, corner, after] = [points[i - 1]!, points[i]!, points[i + 1]!]
    const [into, out] = [toward(corner, before), toward(corner, after)]
    path += `L${into}Q${corner} ${out}`
  }
  return `${path}L${points.at(-1)!}`
}

// From one point toward another, at most half way.
function toward([x1, y1]: Point, [x2, y2]: Point): Point {
  const length = Math.hypot(x2 - x1, y2 - y1)
  const part = length ? Math.min(TURN, length / 2) / length : 0
  return [x1 + (x2 - x1) * part, y1 + (y2 - y1) * part]
}

function arc(from: Box, to: Box): string {
  const x1 = from.x + from.w
  const x2 = to.x + to.w
  const out = Math.max(x1, x2) + 26
  return `M${x1},${middle(from)}C${out},${middle(from)} ${out},${middle(to)} ${x2 + 5},${middle(to)}`
}
