// Once before all tests: the page as it is now, built into dist/, which the mock server serves.
import { build } from 'vite'

export default async function setup() {
  await build({ logLevel: 'warn', mode: 'production' })
}
