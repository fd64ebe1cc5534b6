// A stand-in for the server's HTTP door: what the console asks for, nothing else. Its scenarios can be changed
// while it runs, and it can go away and come back on the same port.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'
import { dirname, extname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import * as answers from './answers.mjs'
import { trace } from './trace.mjs'
import { World } from './world.mjs'

const DIST = join(dirname(fileURLToPath(import.meta.url)), '..', 'dist')
const MEDIA_TYPES = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript', '.css': 'text/css', '.svg': 'image/svg+xml', '.woff2': 'font/woff2' }
const TICK_MS = 500

export class MockServer {
  constructor({ scenario = 'calm', port = 0, token = null } = {}) {
    this.port = port
    this.token = token
    this.requests = []
    this.streams = new Set()
    this.waiting = []
    this.hold = false // says nothing on a stream while true
    this.play(scenario)
  }

  play(scenario) {
    this.world = new World(scenario)
    this.world.tick(0.5)
    this.send()
  }

  async start() {
    this.server = createServer((request, response) => this.answer(request, response))
    await new Promise((resolve) => this.server.listen(this.port, '127.0.0.1', resolve))
    this.port = this.server.address().port
    this.timer = setInterval(() => {
      this.world.tick(TICK_MS / 1000)
      this.send()
    }, TICK_MS)
    return this
  }

  async stop() {
    clearInterval(this.timer)
    this.streams.clear()
    const closed = new Promise((resolve) => this.server.close(resolve))
    this.server.closeAllConnections()
    await closed
  }

  get url() {
    return `http://127.0.0.1:${this.port}`
  }

  send() {
    const event = `event: overview\ndata: ${JSON.stringify(answers.overview(this.world))}\n\n`
    if (!this.hold) for (const stream of this.streams) stream.write(event)
    this.waiting = this.waiting.filter((wait) => --wait.left > 0 || wait.done())
  }

  // When that many more updates have been sent.
  updates(count) {
    return new Promise((resolve) => this.waiting.push({ left: count, done: () => void resolve() }))
  }

  answer(request, response) {
    const url = new URL(request.url, 'http://mock')
    this.requests.push(`${request.method} ${url.pathname}${url.search}`)
    if (!url.pathname.startsWith('/v1/')) return this.file(url.pathname, response)
    if (this.token && request.headers.authorization !== `Bearer ${this.token}`)
      return problem(response, 401, 'This server asks for a token: Authorization: Bearer TOKEN.')
    let text = ''
    request.on('data', (chunk) => (text += chunk))
    request.on('end', () => this.api(request.method, url, text ? JSON.parse(text) : null, response))
  }

  file(path, response) {
    // A page's address may have dots in it (/queues/notification.mail): only what is a file is one.
    const asset = path.startsWith('/assets/') || path === '/favicon.svg'
    const name = asset ? normalize(path) : '/index.html'
    try {
      const body = readFileSync(join(DIST, name))
      response.writeHead(200, { 'Content-Type': MEDIA_TYPES[extname(name)], 'Content-Security-Policy': "default-src 'self'", 'Cache-Control': 'no-cache' })
      response.end(body)
    } catch {
      problem(response, 404, `There is no ${path}.`)
    }
  }

  api(method, url, body, response) {
    const [, area, name, what, id] = url.pathname.slice(1).split('/').map(decodeURIComponent)
    if (area === 'overview' && name === 'stream') return this.stream(response)
    if (area === 'overview') return json(response, 200, answers.overview(this.world))
    if (area === 'flow') return json(response, 200, answers.flow(this.world))
    if (area === 'trace') return json(response, 200, trace(this.world, name))
    if (area === 'topics') return this.topic(url, name, what, response)
    if (area === 'groups') return this.group(name, response)
    if (area === 'queues') return this.queue(method, url, name, what, id, body, response)
    problem(response, 404, `There is no ${url.pathname}.`)
  }

  stream(response) {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' })
    this.streams.add(response)
    response.on('close', () => this.streams.delete(response))
    response.write(': here\n\n')
    if (!this.hold) response.write(`event: overview\ndata: ${JSON.stringify(answers.overview(this.world))}\n\n`)
  }

  topic(url, name, what, response) {
    if (!name) return json(response, 200, { topics: [...this.world.topics.values()].map((t) => answers.topicDetail(this.world, t)) })
    const topic = this.world.topics.get(name)
    if (!topic) return problem(response, 404, `There is no topic ${name}.`)
    if (!what) return json(response, 200, answers.topicDetail(this.world, topic))
    const number = (field, or) => Number(url.searchParams.get(field) ?? or)
    json(response, 200, answers.records(this.world, topic, number('partition', 0), number('offset', 0), number('limit', 100)))
  }

  group(name, response) {
    if (!name) return json(response, 200, { groups: [...this.world.groups.values()].map(answers.groupRow) })
    const group = this.world.groups.get(name)
    if (!group) return problem(response, 404, `There is no consumer group ${name}.`)
    json(response, 200, answers.groupDetail(group))
  }

  queue(method, url, name, what, id, body, response) {
    if (!name) return json(response, 200, { queues: [...this.world.queues.values()].map(answers.queueDetail) })
    const queue = this.world.queues.get(name)
    if (!queue) return problem(response, 404, `There is no queue ${name}.`)
    if (!what) return json(response, 200, answers.queueDetail(queue))
    if (what === 'messages')
      return json(response, 200, { messages: answers.messages(this.world, queue, url.searchParams.get('state') ?? 'ready', Number(url.searchParams.get('limit') ?? 100)) })
    if (what === 'redrives') return this.redrive(method, id, response)
    if (method !== 'POST') return problem(response, 405, `${method} is not for ${url.pathname}.`)
    if (what === 'redrive') {
      const made = this.world.redrive(queue, body?.all ? null : body?.ids, body?.rate)
      return json(response, 202, { redrive_id: made, state: 'running', links: { self: `/v1/queues/${encodeURIComponent(name)}/redrives/${made}` } })
    }
    if (what === 'pause' || what === 'resume') {
      queue.paused = what === 'pause'
      response.writeHead(204)
      return response.end()
    }
    if (what === 'purge') {
      const purged = queue.ready + queue.delayed
      Object.assign(queue, { ready: 0, delayed: 0 })
      return json(response, 200, { purged })
    }
    problem(response, 404, `There is no ${url.pathname}.`)
  }

  redrive(method, id, response) {
    const redrive = this.world.redrives.get(id)
    if (!redrive) return problem(response, 404, `There is no redrive ${id}.`)
    if (method === 'DELETE' && redrive.state === 'running') redrive.state = 'stopped'
    json(response, 200, { state: redrive.state, total: redrive.total, moved: redrive.moved })
  }
}

function json(response, status, body) {
  response.writeHead(status, { 'Content-Type': 'application/json' })
  response.end(JSON.stringify(body))
}

function problem(response, status, detail) {
  response.writeHead(status, { 'Content-Type': 'application/problem+json' })
  response.end(JSON.stringify({ type: 'about:blank', title: detail, status, detail }))
}
