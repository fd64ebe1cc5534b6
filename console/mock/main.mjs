// node mock/main.mjs [SCENARIO] [PORT]: plays a scenario until it is stopped.
import { MockServer } from './server.mjs'
import { SCENARIOS } from './world.mjs'

const [scenario = 'stuck', port = '8090'] = process.argv.slice(2)
if (!SCENARIOS.includes(scenario)) {
  console.error(`unknown scenario ${scenario}; one of ${SCENARIOS.join(', ')}`)
  process.exit(2)
}
const server = await new MockServer({ scenario, port: Number(port) }).start()
console.log(`${scenario} at ${server.url}`)
