// What a page asks for once and again while it is open. The last answer stands until the next one comes; what the
// loader reads of the page's state (a tab, a partition) starts it anew. Call it while a component is made.
import { untrack } from 'svelte'
import { Refused } from './api'
import { live } from './live.svelte'

export interface Fetched<T> {
  value: T | null
  error: string | null
  unknown: boolean // the server says there is no such thing
  again: () => void
}

export function fetched<T>(load: () => Promise<T>, everyMs: number): Fetched<T> {
  let turns = $state(0)
  const kept = $state<Fetched<T>>({ value: null, error: null, unknown: false, again: () => (turns += 1) })
  $effect(() => {
    void turns
    let stopped = false
    let timer = 0
    const take = async (answer: Promise<T>) => {
      try {
        const value = await answer
        if (!stopped) Object.assign(kept, { value, error: null, unknown: false })
      } catch (error) {
        if (!stopped) Object.assign(kept, { error: String((error as Error).message), unknown: error instanceof Refused && error.status === 404 })
      }
      if (!stopped) timer = window.setTimeout(next, everyMs)
    }
    const next = () => {
      const pointless = document.visibilityState === 'hidden' || (live.met && live.blindSince !== null)
      if (pointless) timer = window.setTimeout(next, everyMs)
      else void take(load())
    }
    const first = load()
    untrack(() => void take(first))
    return () => {
      stopped = true
      clearTimeout(timer)
    }
  })
  return kept
}
