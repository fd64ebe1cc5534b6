// Addresses without a hash: every page can be sent to a colleague. Links are ordinary <a href>.

export interface Route {
  page: 'flow' | 'topics' | 'topic' | 'queues' | 'queue' | 'groups' | 'group' | 'services' | 'service' | 'dead' | 'trace' | 'none'
  name: string
}

const LISTS = { topics: 'topics', queues: 'queues', groups: 'groups', services: 'services', 'dead-letters': 'dead', trace: 'trace' } as const
const ITEMS = { topics: 'topic', queues: 'queue', groups: 'group', services: 'service', trace: 'trace' } as const

export function routeOf(path: string): Route {
  const [area = '', item = '', ...more] = path.split('/').slice(1)
  if (area === '' || path === '/index.html') return { page: 'flow', name: '' }
  const none: Route = { page: 'none', name: path }
  if (more.length) return none
  const name = decoded(item)
  if (name === null) return none
  if (item) return area in ITEMS ? { page: ITEMS[area as keyof typeof ITEMS], name } : none
  return area in LISTS ? { page: LISTS[area as keyof typeof LISTS], name: '' } : none
}

function decoded(text: string): string | null {
  try {
    return decodeURIComponent(text)
  } catch {
    return null
  }
}

export const to = {
  topic: (name: string) => `/topics/${encodeURIComponent(name)}`,
  queue: (name: string, show?: string) => `/queues/${encodeURIComponent(name)}${show ? `?show=${show}` : ''}`,
  group: (name: string) => `/groups/${encodeURIComponent(name)}`,
  service: (name: string) => `/services/${encodeURIComponent(name)}`,
  trace: (id: string) => `/trace/${encodeURIComponent(id)}`,
}

// The page of a node of the flow graph, by its id ("queue:notification.mail"); callers without a name have none.
export function toNode(id: string): string | null {
  const colon = id.indexOf(':')
  const name = id.slice(colon + 1)
  const kind = id.slice(0, colon)
  return kind === 'topic' || kind === 'queue' || kind === 'group' || kind === 'service' ? to[kind](name) : null
}

class Router {
  route = $state.raw<Route>({ page: 'flow', name: '' })
  query = $state.raw(new URLSearchParams())

  start() {
    this.#read()
    window.addEventListener('popstate', () => this.#read())
    document.addEventListener('click', (event) => this.#click(event))
  }

  go(path: string, { replace = false } = {}) {
    history[replace ? 'replaceState' : 'pushState'](null, '', path)
    this.#read()
    if (!replace) window.scrollTo(0, 0)
  }

  #read() {
    this.route = routeOf(location.pathname)
    this.query = new URLSearchParams(location.search)
  }

  #click(event: MouseEvent) {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return
    const link = (event.target as Element).closest?.('a')
    const href = link?.getAttribute('href')
    if (!link || !href?.startsWith('/') || href.startsWith('/v1/') || link.target) return
    event.preventDefault()
    this.go(href)
  }
}

export const router = new Router()
