// Headless Chromium for the tests: one browser per file, a fresh context per page, and everything a page complains
// of is remembered.
import { existsSync } from 'node:fs'
import { env } from 'node:process'
import { chromium, type Browser, type Page } from 'playwright-core'

export const CHROMIUM = env.CHROMIUM ?? '/usr/bin/chromium'
export const haveChromium = existsSync(CHROMIUM)
if (!haveChromium) console.warn(`SKIPPED: there is no Chromium at ${CHROMIUM}; set CHROMIUM=PROGRAM to run the tests of the pages`)

export function launch(): Promise<Browser> {
  const args = ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update']
  return chromium.launch({ executablePath: CHROMIUM, args })
}

export interface Opened {
  page: Page
  complaints: string[]
  hosts: Set<string>
  close: () => Promise<void>
}

interface Options {
  scheme?: 'light' | 'dark'
  width?: number
  height?: number
}

export async function open(browser: Browser, url: string, options: Options = {}): Promise<Opened> {
  const { scheme = 'light', width = 1280, height = 900 } = options
  const context = await browser.newContext({ viewport: { width, height }, colorScheme: scheme, locale: 'en-GB' })
  await context.grantPermissions(['clipboard-read', 'clipboard-write'])
  const page = await context.newPage()
  page.setDefaultTimeout(12_000)
  const opened: Opened = { page, complaints: [], hosts: new Set(), close: () => context.close() }
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') opened.complaints.push(message.text())
  })
  page.on('pageerror', (error) => opened.complaints.push(error.message))
  page.on('request', (request) => opened.hosts.add(new URL(request.url()).host))
  await page.addInitScript(watchShifts)
  await page.goto(url)
  return opened
}

// Runs in the page: the sum of what moved without anybody's doing.
function watchShifts() {
  const watched = window as unknown as { shifts: number; shifted: string[] }
  watched.shifts = 0
  watched.shifted = []
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as unknown as { value: number; hadRecentInput: boolean; sources: { node?: Element }[] }[]) {
      if (entry.hadRecentInput) continue
      watched.shifts += entry.value
      watched.shifted.push(...entry.sources.map((source) => `${entry.value.toFixed(4)} ${source.node?.outerHTML?.slice(0, 120)}`))
    }
  }).observe({ type: 'layout-shift', buffered: true })
}

export const shiftsOf = (page: Page) =>
  page.evaluate(() => {
    const { shifts, shifted } = window as unknown as { shifts: number; shifted: string[] }
    return { shifts, shifted }
  })
