// The arithmetic of the small charts.
import type { Sample } from './history'

export interface Point {
  at: number
  value: number
}

// The smallest 1, 2 or 5 times a power of ten that is not below `value`; never below `least`.
export function roundUp(value: number, least: number): number {
  if (value <= least) return least
  const power = 10 ** Math.floor(Math.log10(value))
  return [1, 2, 5, 10].map((step) => step * power).find((step) => step >= value)!
}

export function points(samples: readonly Sample[], of: (sample: Sample) => number, from: number): Point[] {
  return samples.filter((sample) => sample.at >= from).map((sample) => ({ at: sample.at, value: of(sample) }))
}

// A line through the points; where nothing was heard for a while it is broken.
export function path(list: Point[], x: (at: number) => number, y: (value: number) => number, gapMs: number): string {
  return list
    .map((point, index) => {
      const before = list[index - 1]
      const start = !before || point.at - before.at > gapMs
      return `${start ? 'M' : 'L'}${x(point.at).toFixed(1)},${y(point.value).toFixed(1)}`
    })
    .join('')
}
