// What a person does: search, redrive, stop, pause, purge, walk by keys, give a token.
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { MockServer } from '../mock/server.mjs'
import { haveChromium, launch, open } from './chromium'

describe.skipIf(!haveChromium)('actions', () => {
  let browser: Browser
  let mock: MockServer

  beforeAll(async () => {
    browser = await launch()
    mock = await new MockServer({ scenario: 'poison' }).start()
  })
  afterAll(async () => {
    await browser.close()
    await mock.stop()
  })
  beforeEach(() => mock.play('poison'))

  async function visit(path: string, work: (page: Page) => Promise<void>) {
    const opened = await open(browser, mock.url + path)
    try {
      await work(opened.page)
    } finally {
      await opened.close()
    }
  }
  const dead = (queue: string) => mock.world.queues.get(queue)!.dead.length

  test('redriving all says how many before, shows its progress, and says after what it did', async () => {
    await visit('/dead-letters', async (page) => {
      await page.getByRole('button', { name: 'Redrive all 3' }).click()
      const dialog = page.getByRole('dialog')
      expect(await dialog.innerText()).toContain('Redrive 3 dead letters of settlement.book?')
      expect(await dialog.innerText()).toContain('pabal queue redrive settlement.book --all')
      expect(dead('settlement.book')).toBe(3)
      await dialog.getByRole('button', { name: 'Redrive 3' }).click()
      await page.getByText('3 dead letters of settlement.book went back to the queue.').waitFor()
      expect(dead('settlement.book')).toBe(0)
      await page.getByRole('region', { name: 'Dead letters of settlement.book' }).waitFor({ state: 'detached' })
    })
  })

  test('a redrive can be stopped: what went stays gone, the rest stays', async () => {
    await visit('/queues/notification.mail?show=dead', async (page) => {
      await page.getByRole('button', { name: 'Redrive dead letters' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Redrive 23' }).click()
      await page.getByRole('button', { name: 'Stop' }).click()
      const done = page.getByText(/^Stopped: \d+ dead letters? of notification.mail went back, \d+ stay/)
      await done.waitFor()
      const [moved, rest] = (await done.innerText()).match(/\d+/g)!.map(Number)
      expect(moved! + rest!).toBe(23)
      expect(dead('notification.mail')).toBe(rest)
    })
  })

  test('only the chosen ones are redriven', async () => {
    await visit('/dead-letters', async (page) => {
      await page.getByLabel('Choose O-4724').first().check()
      await page.getByText('1 chosen').waitFor()
      await page.getByRole('button', { name: 'Redrive chosen' }).first().click()
      await page.getByRole('dialog').getByRole('button', { name: 'Redrive 1' }).click()
      await page.getByText('1 dead letter of notification.mail went back to the queue.').waitFor()
      expect(dead('notification.mail')).toBe(22)
      expect(mock.world.queues.get('notification.mail')!.dead.map((message: { key: string }) => message.key)).not.toContain('O-4724')
    })
  })

  test('pause, resume and purge, each after its question; Escape changes nothing', async () => {
    await visit('/queues/notification.mail', async (page) => {
      await page.getByRole('button', { name: 'Pause', exact: true }).click()
      await page.keyboard.press('Escape')
      await page.getByRole('dialog').waitFor({ state: 'hidden' })
      expect(mock.world.queues.get('notification.mail')!.paused).toBe(false)
      await page.getByRole('button', { name: 'Pause', exact: true }).click()
      expect(await page.getByRole('dialog').innerText()).toContain('pabal queue pause notification.mail')
      await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click()
      await page.getByText('notification.mail is paused.').waitFor()
      await page.getByRole('button', { name: 'Resume' }).waitFor()
      await page.getByText(/^Paused( for \d+(\.\d+)? s)?\. [\d,]+ messages? waits?; none is lost\.$/).waitFor()
      await page.getByRole('button', { name: 'Purge' }).click()
      const text = await page.getByRole('dialog').innerText()
      const [, count] = /Purge ([\d,]+) messages? from notification.mail\?/.exec(text)!
      expect(text).toContain('This cannot be undone')
      await page.getByRole('dialog').getByRole('button', { name: `Purge ${count}` }).click()
      await page.getByText(/^[\d,]+ messages purged from notification.mail\.$/).waitFor()
      await page.getByRole('button', { name: 'Resume' }).click()
      await page.getByRole('dialog').getByRole('button', { name: 'Resume', exact: true }).click()
      await page.getByText('notification.mail delivers again.').waitFor()
    })
  })

  test('a refusal is told in the server’s words', async () => {
    await visit('/queues/notification.mail', async (page) => {
      await page.getByRole('button', { name: 'Pause', exact: true }).click()
      mock.world.queues.delete('notification.mail')
      await page.getByRole('dialog').getByRole('button', { name: 'Pause', exact: true }).click()
      await page.getByText('did not work: There is no queue notification.mail.').waitFor()
    })
  })

  test('/ finds the path of an order; lanes, steps and the reason are there; marks are walked by arrows', async () => {
    await visit('/', async (page) => {
      await page.locator('[data-node]').first().waitFor()
      await page.keyboard.press('/')
      await page.keyboard.type('O-4711')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/trace/O-4711')
      await page.getByRole('heading', { name: 'O-4711' }).waitFor()
      const field = page.getByRole('group', { name: 'Line of time' })
      expect(await field.locator('[data-mark]').count()).toBe(24)
      expect(await page.getByText('6 min 27 s in which nobody worked').count()).toBe(1)
      expect(await page.getByText('amount: expected a decimal, read "12,50"').count()).toBeGreaterThan(3)
      await field.locator('[data-mark="0"]').focus()
      await page.keyboard.press('ArrowRight')
      await page.keyboard.press('ArrowRight')
      expect(await page.evaluate(() => document.activeElement?.getAttribute('data-mark'))).toBe('2')
    })
  })

  test('the search box finds queues by a part of the name, with arrows and Enter', async () => {
    await visit('/topics', async (page) => {
      await page.keyboard.press('/')
      await page.keyboard.type('mail')
      await page.getByRole('option', { name: 'Queue notification.mail' }).waitFor()
      await page.keyboard.press('Enter')
      await page.waitForURL('**/queues/notification.mail')
    })
  })

  test('the flow picture is walked by keys: arrows, e for its lines, Enter', async () => {
    await visit('/', async (page) => {
      await page.locator('[data-node="service:order"]').focus()
      await page.keyboard.press('e')
      await page.getByText(/per second over 10 s, p50/).waitFor()
      await page.keyboard.press('Escape')
      await page.locator('[data-node="queue:notification.mail"]').focus()
      await page.keyboard.press('ArrowRight')
      expect(await page.evaluate(() => document.activeElement?.getAttribute('data-node'))).toBe('service:notification')
      await page.keyboard.press('ArrowLeft')
      await page.keyboard.press('Enter')
      await page.waitForURL('**/queues/notification.mail')
      await page.keyboard.press('g')
      await page.keyboard.press('d')
      await page.waitForURL('**/dead-letters')
      await page.keyboard.press('?')
      await page.getByRole('heading', { name: 'Keys' }).waitFor()
    })
  })

  test('a line says its figures under the pointer', async () => {
    await visit('/', async (page) => {
      const line = page.locator('path.reach').first()
      await line.waitFor({ state: 'attached' })
      const at = await line.evaluate((path: SVGPathElement) => {
        const point = path.getPointAtLength(path.getTotalLength() / 2).matrixTransform(path.getScreenCTM()!)
        return { x: point.x, y: point.y }
      })
      await page.mouse.move(at.x, at.y)
      await page.getByText(/per second over 10 s/).waitFor()
    })
  })

  test('the command is copied as it stands', async () => {
    await visit('/queues/notification.mail', async (page) => {
      await page.getByRole('button', { name: /^Copy: pabal queue show/ }).click()
      expect(await page.evaluate(() => navigator.clipboard.readText())).toBe('pabal queue show notification.mail')
    })
  })

  test('a server with a token file asks for a token, says when it is wrong, and lets in with the right one', async () => {
    mock.token = 'secret-token'
    try {
      await visit('/queues', async (page) => {
        const enter = async (token: string) => {
          await page.getByLabel('Token').fill(token)
          await page.getByRole('button', { name: 'Continue' }).click()
        }
        await enter('wrong')
        await page.getByText('The token that was given is not known').waitFor()
        await enter('secret-token')
        await page.getByRole('cell', { name: 'notification.mail' }).waitFor()
      })
    } finally {
      mock.token = null
    }
  })
})
