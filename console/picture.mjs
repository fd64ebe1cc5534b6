// node picture.mjs URL FILE.png [light|dark] [WIDTHxHEIGHT] [SECONDS]: a picture of a page of a running server, taken
// when it has shown figures for some seconds. The pictures in the README are made by it.
import { env } from 'node:process'
import { chromium } from 'playwright-core'

const [url, file, colorScheme = 'light', size = '1440x900', seconds = '3'] = process.argv.slice(2)
if (!url || !file) {
  console.error('usage: node picture.mjs URL FILE.png [light|dark] [WIDTHxHEIGHT] [SECONDS]')
  process.exit(2)
}
const [width, height] = size.split('x').map(Number)
const browser = await chromium.launch({
  executablePath: env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless=new', '--no-sandbox', '--disable-gpu', '--disable-background-networking', '--hide-scrollbars'],
})
const page = await browser.newPage({ viewport: { width, height }, colorScheme })
await page.goto(url)
await page.getByRole('status').filter({ hasText: 'live' }).waitFor()
await page.waitForTimeout(Number(seconds) * 1000)
await page.screenshot({ path: file })
await browser.close()
