// What this window has seen of each queue, for the small charts: one sample a second, the last ten minutes.
import { waiting } from './facts'
import type { QueueFigures } from './types'

export const SAMPLE_MS = 1000
export const SAMPLES_MAX = 600
const QUEUES_MAX = 500

export interface Sample {
  at: number
  waiting: number
  age_s: number
}

export class History {
  #queues = new Map<string, Sample[]>()

  add(at: number, queues: QueueFigures[]) {
    for (const queue of queues) {
      const samples = this.#of(queue.name)
      if (!samples) continue
      const last = samples.at(-1)
      if (last && at < last.at) samples.length = 0 // the server's clock went back: another server, another history
      const sample = { at, waiting: waiting(queue), age_s: queue.oldest_ready_age_s ?? 0 }
      const before = samples.at(-2)
      if (last && before && at - before.at < SAMPLE_MS * 1.5) samples.pop() // the last one follows the figures
      samples.push(sample)
      if (samples.length > SAMPLES_MAX) samples.shift()
    }
  }

  of(queue: string): readonly Sample[] {
    return this.#queues.get(queue) ?? []
  }

  #of(queue: string): Sample[] | undefined {
    if (!this.#queues.has(queue) && this.#queues.size < QUEUES_MAX) this.#queues.set(queue, [])
    return this.#queues.get(queue)
  }
}
