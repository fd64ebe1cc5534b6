// Does as the lines of JSON on its standard input say, and answers in lines of JSON.
const readline = require('node:readline')
const fs = require('node:fs')
const { Kafka, logLevel } = require('kafkajs')

const settings = JSON.parse(process.argv[2])

function say(what) {
  process.stdout.write(JSON.stringify(what) + '\n')
}

// Kafka's name of an error, wherever KafkaJS keeps it, or that of KafkaJS.
function nameOf(error) {
  if (error.name === 'KafkaJSSASLAuthenticationError') return 'SASL_AUTHENTICATION_FAILED'
  if (error.type) return error.type
  const within = [error.cause, error.originalError, ...(error.errors ?? []), ...(error.groups ?? []), ...(error.partitions ?? [])]
  for (const inner of within) {
    const found = inner && inner !== error ? nameOf(inner.error ?? inner) : undefined
    if (found) return found
  }
  return error.name
}

function client(clientId) {
  const tls = settings.ca && {
    ca: fs.readFileSync(settings.ca),
    ...(settings.identity && { key: fs.readFileSync(settings.identity), cert: fs.readFileSync(settings.identity) }),
  }
  const { mechanism, user, password } = settings.sasl ?? {}
  return new Kafka({
    clientId,
    brokers: [settings.bootstrap],
    ssl: tls,
    sasl: mechanism && { mechanism: mechanism.toLowerCase(), username: user, password },
    logLevel: logLevel.NOTHING,
    retry: { initialRetryTime: 100, maxRetryTime: 1000, retries: 8 },
  })
}

const calls = {
  ...require('./records')(client(settings.client_id)),
  ...require('./members')(client, say, nameOf),
  ...require('./admin')(client(settings.client_id)),
}

readline.createInterface({ input: process.stdin }).on('line', async line => {
  const asked = JSON.parse(line)
  try {
    say({ id: asked.id, result: (await calls[asked.do](asked)) ?? null })
  } catch (error) {
    say({ id: asked.id, error: nameOf(error), message: String(error) })
  }
})
