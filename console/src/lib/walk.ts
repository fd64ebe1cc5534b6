// Walking the flow picture with the arrow keys.
import type { Box } from './layout'
import type { FlowEdge } from './types'

export type Direction = 'left' | 'right' | 'up' | 'down'

// The box to go to from `id`: sideways the nearest in the next column that has one, a neighbour before a stranger;
// up and down the next of the same column.
export function nearest(boxes: Map<string, Box>, id: string, direction: Direction, edges: FlowEdge[]): string | null {
  const from = boxes.get(id)
  if (!from) return null
  const others = [...boxes].filter(([other]) => other !== id)
  if (direction === 'up' || direction === 'down') {
    const sign = direction === 'down' ? 1 : -1
    return closest(others.filter(([, box]) => box.column === from.column && (box.y - from.y) * sign > 0), (box) => Math.abs(box.y - from.y))
  }
  const sign = direction === 'right' ? 1 : -1
  const ahead = others.filter(([, box]) => (box.column - from.column) * sign > 0)
  const joined = new Set(edges.flatMap((edge) => (edge.from === id ? edge.to : edge.to === id ? edge.from : [])))
  const neighbours = ahead.filter(([other]) => joined.has(other))
  return closest(neighbours.length ? neighbours : ahead, (box) => Math.abs(box.column - from.column) * 10_000 + Math.abs(box.y - from.y))
}

function closest(list: [string, Box][], distance: (box: Box) => number): string | null {
  return [...list].sort((a, b) => distance(a[1]) - distance(b[1]) || (a[0] < b[0] ? -1 : 1))[0]?.[0] ?? null
}
