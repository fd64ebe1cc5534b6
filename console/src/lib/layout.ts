// The flow picture: where every node stands and how every line runs, in pixels. A pure function of who is joined
// to whom and of the room there is, so nothing moves when a figure changes, and everybody sees the same picture.
import { Graph, COLUMNS, TITLES, columnsOf, type Column } from './roles'
import { rowsOf } from './rows'
import type { FlowEdge, FlowNode } from './types'

// Boxes and rows are lower when there are many of them.
interface Heights {
  node: number
  row: number
}
const AIRY: Heights = { node: 52, row: 72 }
const DENSE: Heights = { node: 43, row: 56 }
const AIRY_ROWS_MAX = 9
const TOP = 30
const BUS = 18 // room for the line that leads back around everything
const GAP_MIN = 21
const GAP_MAX = 96
const WIDTH: Record<Column, [number, number]> = {
  callers: [84, 150], asks: [136, 170], answers: [136, 170], topics: [136, 180], queues: [150, 190], consumes: [136, 170],
  publishes: [126, 176], returns: [126, 176],
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
  nodeHeight: number
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
  const heights = rows.count > AIRY_ROWS_MAX ? DENSE : AIRY
  const used = COLUMNS.filter((column) => graph.nodes.some((node) => columnOf.get(node.id) === column))
  const widths = used.map((column) => widthOf(column, graph.nodes.filter((n) => columnOf.get(n.id) === column).map((n) => n.name)))
  const sum = widths.reduce((total, width) => total + width, 0)
  const left = positions(used, widths, room - sum - (used.at(-1) === 'returns' ? BUS : 0))
  const boxes = new Map<string, Box>()
  for (const { id } of graph.nodes) {
    const column = used.indexOf(columnOf.get(id)!)
    boxes.set(id, { x: left[column]!, y: TOP + rows.at.get(id)! * heights.row, w: widths[column]!, column })
  }
  const wayBack = used.at(-1) === 'returns'
  const right = used.length ? left.at(-1)! + widths.at(-1)! : 0
  const height = TOP + Math.max(1, rows.count) * heights.row + (wayBack ? BUS : 0)
  return {
    width: right + (wayBack ? BUS : 0),
    height,
    nodeHeight: heights.node,
    boxes,
    lines: new Router(boxes, left, widths, height, heights).all(graph.edges),
    titles: used.map((column, index) => ({ text: TITLES[column], x: left[index]! })),
  }
}

// Draws the lines. One that passes other columns runs level through them, between the boxes.
class Router {
  readonly #boxes: Map<string, Box>
  readonly #left: number[]
  readonly #widths: number[]
  readonly #height: number
  readonly #node: number
  readonly #row: number
  readonly #trunks = new Map<Box, { gap: number; last: number }>()
  readonly #taken = new Map<number, number>()

  constructor(boxes: Map<string, Box>, left: number[], widths: number[], height: number, heights: Heights) {
    this.#boxes = boxes
    this.#node = heights.node
    this.#row = heights.row
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
    if (to.column === from.column) return { id, path: this.#arc(from, to), back: true }
    const around = from.column === this.#left.length - 1 && from.column - to.column > 3
    return { id, path: around ? this.#around(from, to) : this.#backward(from, to), back: true }
  }

  #forward(from: Box, to: Box): string {
    const start = [from.x + from.w, this.#middle(from)] as const
    const end = [to.x, this.#middle(to)] as const
    if (to.column === from.column + 1) return `M${start}${curve(start, end)}`
    const level = this.#level(from.column + 1, to.column - 1, start[1], end[1])
    const enter = [this.#left[from.column + 1]!, level] as const
    const leave = [this.#left[to.column - 1]! + this.#widths[to.column - 1]!, level] as const
    return `M${start}${curve(start, enter)}L${leave}${curve(leave, end)}`
  }

  // Out of the bottom, level beneath its row to the gap right of the other's column, along that gap to a level
  // beside the other, and into it from below or above: never through a box of these columns. Lines that run back to
  // the same box come together in one.
  #backward(from: Box, to: Box): string {
    const gutter = (this.#row - this.#node) / 2
    const first = this.#apart(from.y + this.#node + gutter)
    const below = first > to.y
    const near = below ? to.y + this.#node + gutter : to.y - gutter
    const x1 = from.x + from.w / 2
    const x2 = to.x + to.w * 0.6
    const end: Point = [x2, below ? to.y + this.#node + 1.5 : to.y - 1.5]
    const way: Point[] = [[x1, from.y + this.#node], [x1, first]]
    if (Math.abs(near - first) < this.#row / 4) return rounded([...way, [x2, first], end])
    const trunk = this.#trunkTo(to, near)
    return rounded([...way, [trunk.gap, first], [trunk.gap, trunk.last], [x2, trunk.last], end])
  }

  // From the last column to one of the first: down the right side, along the bottom, and up into the other from below.
  #around(from: Box, to: Box): string {
    const side = this.#left.at(-1)! + this.#widths.at(-1)! + BUS - 5
    const bottom = this.#height - 6
    const way: Point[] = [[from.x + from.w, this.#middle(from)], [side, this.#middle(from)], [side, bottom]]
    const x2 = to.x + to.w * 0.6
    const end: Point = [x2, to.y + this.#node + 1.5]
    const blocked = [...this.#boxes.values()].some((box) => box.column === to.column && box.y > to.y)
    if (!blocked) return rounded([...way, [x2, bottom], end])
    const trunk = this.#trunkTo(to, to.y + this.#node + (this.#row - this.#node) / 2)
    return rounded([...way, [trunk.gap, bottom], [trunk.gap, trunk.last], [x2, trunk.last], end])
  }

  #trunkTo(to: Box, near: number): { gap: number; last: number } {
    const trunk = this.#trunks.get(to) ?? { gap: this.#gapAfter(to.column), last: this.#apart(near) }
    this.#trunks.set(to, trunk)
    return trunk
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
    const free = (y: number) => between.every((box) => y < box.y - 4 || y > box.y + this.#node + 4)
    const gutters = []
    for (let y = TOP - (this.#row - this.#node) / 2; y <= this.#height; y += this.#row / 2) gutters.push(y)
    const cost = (y: number) => Math.abs(y - start) + Math.abs(y - end)
    if (free(start) && cost(start) <= cost(end)) return start
    if (free(end)) return end
    const best = gutters.filter(free).sort((a, b) => cost(a) - cost(b) || a - b)[0]
    return best === undefined ? end : this.#apart(best)
  }

  #middle(box: Box): number {
    return box.y + this.#node / 2
  }

  // Between two of one column.
  #arc(from: Box, to: Box): string {
    const [x1, x2] = [from.x + from.w, to.x + to.w]
    const out = Math.max(x1, x2) + 26
    return `M${x1},${this.#middle(from)}C${out},${this.#middle(from)} ${out},${this.#middle(to)} ${x2 + 2},${this.#middle(to)}`
  }

  // Lines that share a level run side by side.
  #apart(level: number): number {
    const lines = this.#taken.get(level) ?? 0
    this.#taken.set(level, lines + 1)
    return level + (lines % 2 ? 1 : -1) * Math.min(8, Math.ceil(lines / 2) * 3)
  }
}

type Point = readonly [number, number]

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
