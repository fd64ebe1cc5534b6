// Server-Sent Events over fetch: unlike EventSource it can send an Authorization header, and it tells of every
// sign of life, so that silence can be told from calm.

export interface ServerEvent {
  event: string
  data: string
}

// Cuts a stream of text into events; `feed` may be given any piece of it, line ends as LF or CRLF.
export class EventParser {
  #rest = ''
  #event = ''
  #data: string[] = []

  feed(text: string): ServerEvent[] {
    const events: ServerEvent[] = []
    const lines = (this.#rest + text).split('\n')
    this.#rest = lines.pop()!
    for (const raw of lines) {
      const line = raw.endsWith('\r') ? raw.slice(0, -1) : raw
      if (line === '') this.#finish(events)
      else this.#field(line)
    }
    return events
  }

  #field(line: string) {
    const colon = line.indexOf(':')
    if (colon === 0) return // a comment: a sign of life, nothing more
    const name = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '')
    if (name === 'event') this.#event = value
    if (name === 'data') this.#data.push(value)
  }

  #finish(events: ServerEvent[]) {
    if (this.#data.length) events.push({ event: this.#event || 'message', data: this.#data.join('\n') })
    this.#event = ''
    this.#data = []
  }
}
