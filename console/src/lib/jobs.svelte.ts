// What a person has set going: it says what was done, survives a change of page, and a redrive can be stopped.
import { api } from './api'
import { plural } from './format'

const POLL_MS = 400

export interface Job {
  id: number
  queue: string
  text: string
  state: 'running' | 'done' | 'stopped' | 'failed'
  total: number
  moved: number
  stop: (() => void) | null
}

class Jobs {
  list = $state<Job[]>([])
  #next = 1

  dismiss(id: number) {
    this.list = this.list.filter((job) => job.id !== id)
  }

  async redrive(queue: string, which: { ids: string[] } | { all: true }, total: number) {
    const job = this.#add(queue, `Redriving ${plural(total, 'dead letter')} of ${queue}`, total)
    try {
      const { redrive_id } = await api.redrive(queue, which)
      job.stop = () => void this.#stop(job, redrive_id)
      await this.#follow(job, redrive_id)
    } catch (error) {
      this.#fail(job, `Redriving ${queue}`, error)
    }
  }

  // A call that answers at once; `done` turns its answer into the sentence that stays.
  async simple<T>(queue: string, doing: string, work: () => Promise<T>, done: (answer: T) => string) {
    const job = this.#add(queue, doing, 0)
    try {
      job.text = done(await work())
      job.state = 'done'
    } catch (error) {
      this.#fail(job, doing, error)
    }
  }

  #add(queue: string, text: string, total: number): Job {
    this.list.push({ id: this.#next++, queue, text, state: 'running', total, moved: 0, stop: null })
    if (this.list.length > 4) this.list.shift()
    return this.list.at(-1)!
  }

  async #follow(job: Job, id: string) {
    for (;;) {
      const { state, total, moved } = await api.redriveState(job.queue, id)
      Object.assign(job, { total, moved })
      if (state !== 'running') return this.#end(job, state)
      await new Promise((resolve) => setTimeout(resolve, POLL_MS))
    }
  }

  #end(job: Job, state: 'done' | 'stopped') {
    job.state = state
    job.stop = null
    const rest = job.total - job.moved
    job.text =
      state === 'done'
        ? `${plural(job.moved, 'dead letter')} of ${job.queue} went back to the queue.`
        : `Stopped: ${plural(job.moved, 'dead letter')} of ${job.queue} went back, ${rest} stay where they were.`
  }

  async #stop(job: Job, id: string) {
    try {
      await api.stopRedrive(job.queue, id)
    } catch (error) {
      this.#fail(job, `Stopping the redrive of ${job.queue}`, error)
    }
  }

  #fail(job: Job, doing: string, error: unknown) {
    job.state = 'failed'
    job.stop = null
    job.text = `${doing} did not work: ${error instanceof Error ? error.message : String(error)}`
  }
}

export const jobs = new Jobs()
