// The pages against the real server: what the mock promises, the server keeps. The test is the services itself.
import { spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { env } from 'node:process'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveChromium, launch, open, type Opened } from './chromium'

const PABAL = resolve(env.PABAL ?? '../build/debug/pabal')
const haveServer = existsSync(PABAL)
if (!haveServer) console.warn(`SKIPPED: there is no server at ${PABAL}; build it, or set PABAL=PROGRAM, to test the pages against it`)

const REASON = 'amount: expected a decimal, read "12,50"'

describe.skipIf(!haveServer || !haveChromium)('the console on the real server', () => {
  let directory: string
  let server: ChildProcess
  let address = '127.0.0.1:0'
  let browser: Browser

  async function start() {
    const ports = join(directory, 'ports.json')
    rmSync(ports, { force: true })
    server = spawn(PABAL, ['serve', '--data', join(directory, 'data'), '--http', address, '--ports-file', ports], { stdio: 'inherit' })
    await until(() => existsSync(ports) && readFileSync(ports, 'utf8').includes('http'))
    address = (JSON.parse(readFileSync(ports, 'utf8')) as { http: string }).http
  }

  async function kill() {
    const gone = new Promise((done) => server.once('exit', done))
    server.kill('SIGKILL')
    await gone
  }

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pabal-console-'))
    await start()
    browser = await launch()
  })
  afterAll(async () => {
    await browser.close()
    await kill()
    rmSync(directory, { recursive: true, force: true })
  })

  async function call<T>(method: string, path: string, body?: unknown, service = 'order'): Promise<T> {
    const headers: Record<string, string> = { 'Pabal-Service': service }
    if (body !== undefined) headers['Content-Type'] = 'application/json'
    const response = await fetch(`http://${address}/v1${path}`, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) })
    const text = await response.text()
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`)
    return (text ? JSON.parse(text) : {}) as T
  }

  const publish = (order: string) =>
    call('POST', '/topics/order.events/records', {
      records: [{
        key: order, value: { order_id: order, amount: '12,50' },
        headers: { ce_id: `evt-${order}`, ce_type: 'OrderPaid', ce_source: 'order', ce_specversion: '1.0', 'content-type': 'application/json', correlationid: `c-${order}` },
      }],
    })

  async function take(): Promise<{ lease: string }[]> {
    const { messages } = await call<{ messages: { lease: string }[] }>('POST', '/queues/notification.mail/receive', { max: 10, wait: '5s' }, 'notification')
    return messages
  }

  const settle = async (verb: 'ack' | 'nack', messages: { lease: string }[], more = {}) =>
    call('POST', `/queues/notification.mail/${verb}`, { leases: messages.map((message) => message.lease), ...more }, 'notification')

  async function visit(path: string, work: (page: Page, opened: Opened) => Promise<void>) {
    const opened = await open(browser, `http://${address}${path}`)
    try {
      await work(opened.page, opened)
      expect(opened.complaints).toEqual([])
      expect([...opened.hosts]).toEqual([address])
    } finally {
      await opened.close()
    }
  }

  test('an empty server', async () => {
    await visit('/', async (page) => {
      await page.getByText('Nothing has passed through yet').waitFor()
    })
  })

  test('the flow draws itself, a dead letter needs a person', async () => {
    await call('PUT', '/topics/order.events', {})
    await call('PUT', '/queues/notification.mail', { topic: 'order.events', from: 'earliest' })
    await publish('O-4711')
    await settle('nack', await take(), { dead: true, reason: REASON })
    await visit('/', async (page) => {
      for (const id of ['service:order', 'topic:order.events', 'queue:notification.mail', 'service:notification'])
        await page.locator(`[data-node="${id}"]`).waitFor()
      const need = page.locator('[data-need="dead_letters:notification.mail"]')
      expect(await need.innerText()).toContain(REASON)
      await page.screenshot({ path: 'test/pictures/server-flow.png' })
      await need.getByRole('link', { name: 'Look' }).click()
      await page.getByText(REASON).first().waitFor()
    })
  })

  test('the topic, its records, the queue and its settings', async () => {
    await visit('/topics/order.events', async (page) => {
      await page.getByRole('link', { name: 'O-4711' }).waitFor()
      await page.getByText('OrderPaid').first().waitFor()
      await page.getByText('flushed').first().waitFor()
    })
    await visit('/queues/notification.mail', async (page) => {
      await page.getByText('max_deliveries').waitFor()
      await page.screenshot({ path: 'test/pictures/server-queue.png' })
    })
  })

  test('redriving it, and then its whole path', async () => {
    await visit('/dead-letters', async (page) => {
      await page.getByText(REASON).first().waitFor()
      await page.getByRole('button', { name: 'Redrive it' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Redrive 1' }).click()
      await page.getByText('1 dead letter of notification.mail went back to the queue.').waitFor()
      await settle('ack', await take())
      await page.getByText('None. Every message that was taken has been handled.').waitFor()
    })
    for (const id of ['O-4711', 'c-O-4711'])
      await visit(`/trace/${id}`, async (page) => {
        await page.getByText('Finished, after trouble on the way').waitFor()
        await page.getByText(REASON).first().waitFor()
        await page.getByText('redriven into notification.mail').first().waitFor()
        await page.screenshot({ path: `test/pictures/server-trace.png` })
      })
  })

  test('pause, purge, resume', async () => {
    await visit('/queues/notification.mail', async (page) => {
      await page.getByRole('button', { name: 'Pause', exact: true }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click()
      await page.getByRole('button', { name: 'Resume' }).waitFor()
      await publish('O-4712')
      await publish('O-4713')
      await page.getByText(/^Paused for .*2 messages wait/).waitFor()
      await page.getByRole('button', { name: 'Purge' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Purge 2' }).click()
      await page.getByText('2 messages purged from notification.mail.').waitFor()
      await page.getByRole('button', { name: 'Resume' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Resume', exact: true }).click()
      await page.getByText('notification.mail delivers again.').waitFor()
    })
  })

  test('the server is killed and comes back', async () => {
    const opened = await open(browser, `http://${address}/`)
    const bar = opened.page.getByText('No word from the server since')
    await opened.page.locator('[data-node="queue:notification.mail"]').waitFor()
    await kill()
    await bar.waitFor()
    await start()
    await bar.waitFor({ state: 'detached' })
    await opened.close()
  })
})

async function until(so: () => boolean, deadlineMs = 20_000) {
  const end = Date.now() + deadlineMs
  while (!so()) {
    if (Date.now() > end) throw new Error('waited too long')
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
