// What a page asks for once and again while it is open. The last answer stands until the next one comes; what the
// loader reads of the page's state (a tab, a partition) starts it anew. Call it while a component is made.
import { untrack } from 'svelte'
import { Refused } from './api'
import { live } from './live.svelte'

export class Fetched<T> {
  value = $state.raw<T | null>(null)
  error = $state.raw<string | null>(null)
  unknown = $state.raw(false) // the server says there is no such thing
}

export function fetched<T>(load: () => Promise<T>, everyMs: number): Fetched<T> {
  const kept = new Fetched<T>()
  $effect(() => {
    let stopped = false
    let timer = 0
    const take = async (answer: Promise<T>) => {
      try {
        const value = await answer
        if (!stopped) put(kept, value, null, false)
      } catch (error) {
        if (!stopped) put(kept, kept.value, String((error as Error).message), error instanceof Refused && error.status === 404)
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

function put<T>(kept: Fetched<T>, value: T | null, error: string | null, unknown: boolean) {
  kept.value = value
  kept.error = error
  kept.unknown = unknown
}
