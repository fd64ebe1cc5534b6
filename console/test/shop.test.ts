// The pages against the running shop: its real services, its real server. The story plays one short act, then leaves
// the shop open; an order is placed, notification is stopped and started again, and the pages must say so.
import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join, resolve } from 'node:path'
import { env } from 'node:process'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { haveChromium, launch, open } from './chromium'

const STORY = join(dirname(resolve(env.PABAL ?? '../build/debug/pabal')), 'story')
const haveStory = existsSync(STORY)
if (!haveStory) console.warn(`SKIPPED: there is no story at ${STORY}; build it, or set PABAL=PROGRAM beside it, to test the pages with the shop`)

const OPEN_MS_MAX = 180_000
// A message that was handed to a consumer as it died is ready again when its lease ends, 30 s later.
const PATIENCE_MS = 60_000
const TEST_MS_MAX = 150_000

describe.skipIf(!haveStory || !haveChromium)('the console on the running shop', () => {
  let directory: string
  let story: ChildProcess
  let address: string
  let browser: Browser

  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'pabal-shop-'))
    const acts = ['--acts', 'hybrid', '--limit', '20', '--service-times', '0,0,0', '--network', '0']
    story = spawn(STORY, ['--data', join(directory, 'data'), '--http', '127.0.0.1:0', '--order', '127.0.0.1:0', ...acts], { stdio: ['ignore', 'pipe', 'inherit'] })
    address = await consoleAddress(story)
    browser = await launch()
  }, OPEN_MS_MAX)

  afterAll(async () => {
    await browser?.close()
    const gone = new Promise((done) => story.once('exit', done))
    if (story.exitCode === null && story.kill('SIGINT')) await gone
    rmSync(directory, { recursive: true, force: true })
  })

  const shop = (...words: string[]) => execFileSync(STORY, ['shop', '--data', join(directory, 'data'), ...words], { encoding: 'utf8', timeout: PATIENCE_MS })
  const placeOrder = () => /O-[0-9a-f]+/.exec(shop('order'))![0]

  async function visit(path: string, work: (page: Page) => Promise<void>) {
    const opened = await open(browser, address + path)
    opened.page.setDefaultTimeout(PATIENCE_MS)
    try {
      await work(opened.page)
      expect(opened.complaints).toEqual([])
      expect([...opened.hosts]).toEqual([new URL(address).host])
    } finally {
      await opened.close()
    }
  }

  test('the flow draws the shop', async () => {
    placeOrder()
    await visit('/', async (page) => {
      for (const id of ['service:order', 'topic:order.events', 'queue:notification.mail', 'service:notification', 'service:payment'])
        await page.locator(`[data-node="${id}"]`).waitFor()
      await page.screenshot({ path: 'test/pictures/shop-flow.png' })
    })
  })

  test('the whole path of an order is found by its number', async () => {
    const order = placeOrder()
    await visit('/', async (page) => {
      await page.keyboard.press('/')
      await page.keyboard.type(order)
      await page.keyboard.press('Enter')
      await page.getByText('Finished without trouble').waitFor()
      const steps = page.getByRole('table')
      for (const step of ['order called payment', 'order published OrderPaid', 'notification finished OrderPaid', 'settlement finished OrderPaid', 'shipping finished OrderPaid'])
        await steps.getByText(step).first().waitFor()
      await page.screenshot({ path: 'test/pictures/shop-trace.png' })
    })
  })

  test('a service that is gone is red while its e-mail waits, and calm when it is back', async () => {
    shop('stop', 'notification')
    const order = placeOrder()
    await visit('/', async (page) => {
      const need = page.locator('[data-need="no_consumer:notification.mail"]')
      await need.waitFor()
      expect(await page.locator('[data-node="queue:notification.mail"]').getAttribute('class')).toContain('red')
      await page.screenshot({ path: 'test/pictures/shop-stuck.png' })
      shop('start', 'notification')
      await need.waitFor({ state: 'detached' })
      await page.goto(`${address}/trace/${order}`)
      await page.getByText('notification finished OrderPaid').first().waitFor()
    })
  }, TEST_MS_MAX)
})

async function consoleAddress(story: ChildProcess): Promise<string> {
  let said = ''
  for await (const piece of story.stdout!.iterator({ destroyOnReturn: false })) {
    said += String(piece)
    const found = /(http:\/\/[\d.:]+)\/\s+the console/.exec(said)
    if (found) {
      story.stdout!.resume()
      return found[1]!
    }
  }
  throw new Error(`the story ended before the shop was open:\n${said}`)
}
