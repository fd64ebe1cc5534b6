// The one stream that keeps every page up to date, and what is known when it is silent. Owned by the application
// for its whole life; pages only read. Values are never taken away: when the server goes, they stay and are old.
import { ask, Refused } from './api'
import { History } from './history'
import { EventParser } from './sse'
import { instant } from './format'
import type { Overview } from './types'

const SILENCE_MS_MAX = 25_000 // the server sends at least a comment every 15 s
const RETRY_MS = [250, 500, 1000, 2000, 3000]
const KEPT = 'pabal.overview'

class Live {
  overview = $state.raw<Overview | null>(null)
  // Since when nothing has come, in this machine's time; null while the stream runs.
  blindSince = $state<number | null>(null)
  // Whether anything has come since this page was opened.
  met = $state(false)
  needsToken = $state(false)
  // What the server said when it refused the stream, in its own words.
  refusal = $state<string | null>(null)
  history = new History()
  #heardAt = 0
  #failures = 0
  #abort: AbortController | null = null
  #wake: (() => void) | null = null

  // The server's clock at the last message: ages are counted by it, and stand still while blind.
  get now(): number {
    return this.overview ? instant(this.overview.now) : Date.now()
  }

  get old(): boolean {
    return this.blindSince !== null || !this.met
  }

  // The names of the queues that somebody has paused.
  get paused(): ReadonlySet<string> {
    return new Set(this.overview?.queues.flatMap((queue) => (queue.paused ? queue.name : [])))
  }

  start() {
    this.#recall()
    void this.#run()
    document.addEventListener('visibilitychange', () => document.visibilityState === 'visible' && this.retryNow())
    window.addEventListener('online', () => this.retryNow())
    window.addEventListener('pagehide', () => this.#keep())
    setInterval(() => this.#watch(), 1000)
  }

  retryNow() {
    this.#failures = 0
    this.#wake?.()
  }

  async #run() {
    for (;;) {
      await this.#listen()
      this.blindSince ??= this.#heardAt || Date.now()
      const pause = RETRY_MS[Math.min(this.#failures, RETRY_MS.length - 1)]!
      this.#failures += 1
      await new Promise<void>((resolve) => {
        this.#wake = resolve
        setTimeout(resolve, this.needsToken ? 3_600_000 : pause)
      })
    }
  }

  async #listen() {
    this.#abort = new AbortController()
    try {
      const response = await ask('/overview/stream', { signal: this.#abort.signal, headers: { Accept: 'text/event-stream' } })
      this.needsToken = false
      this.refusal = null
      this.#heardAt = Date.now()
      const parser = new EventParser()
      const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
      for (;;) {
        const { done, value } = await reader.read()
        if (done) return
        this.#heardAt = Date.now()
        const last = parser.feed(value).filter((event) => event.event === 'overview').at(-1)
        if (last) this.#take(JSON.parse(last.data) as Overview)
      }
    } catch (error) {
      this.refusal = error instanceof Refused ? error.message : null
      if (error instanceof Refused && error.status === 401) this.needsToken = true
    } finally {
      this.#abort.abort()
    }
  }

  #take(overview: Overview) {
    this.overview = overview
    this.met = true
    this.blindSince = null
    this.#failures = 0
    this.history.add(instant(overview.now), overview.queues)
  }

  #watch() {
    if (this.blindSince === null && this.met && Date.now() - this.#heardAt > SILENCE_MS_MAX) this.#abort?.abort()
  }

  #keep() {
    try {
      if (this.overview) sessionStorage.setItem(KEPT, JSON.stringify(this.overview))
    } catch {
      sessionStorage.removeItem(KEPT) // too large to keep: the next load begins empty
    }
  }

  // What this tab last saw stands, marked as old, until the first message comes.
  #recall() {
    try {
      const kept = sessionStorage.getItem(KEPT)
      if (kept) this.overview = JSON.parse(kept) as Overview
    } catch {
      sessionStorage.removeItem(KEPT)
    }
  }
}

export const live = new Live()
