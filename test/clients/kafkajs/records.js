// Producers that stay open under a name, and reads of one partition.
const { randomUUID } = require('node:crypto')
const { CompressionCodecs, CompressionTypes } = require('kafkajs')
const lz4 = require('lz4js')
const { ZstdCodec } = require('zstd-codec')

const codecs = {
  none: CompressionTypes.None,
  gzip: CompressionTypes.GZIP,
  snappy: CompressionTypes.Snappy,
  lz4: CompressionTypes.LZ4,
  zstd: CompressionTypes.ZSTD,
}

// KafkaJS has gzip alone, and takes the others.
CompressionCodecs[CompressionTypes.Snappy] = require('kafkajs-snappy')
CompressionCodecs[CompressionTypes.LZ4] = () => ({
  compress: async encoder => Buffer.from(lz4.compress(encoder.buffer)),
  decompress: async bytes => Buffer.from(lz4.decompress(bytes)),
})
const zstd = new Promise(resolve => ZstdCodec.run(resolve))
CompressionCodecs[CompressionTypes.ZSTD] = () => ({
  compress: async encoder => Buffer.from(new (await zstd).Simple().compress(encoder.buffer)),
  decompress: async bytes => Buffer.from(new (await zstd).Streaming().decompress(bytes)),
})

const bytesOf = base64 => (base64 === null ? null : Buffer.from(base64, 'base64'))
const base64Of = bytes => (bytes === null || bytes === undefined ? null : bytes.toString('base64'))

// KafkaJS has an object, with a list where a name comes twice.
function headersOf(pairs) {
  const headers = {}
  for (const [name, value] of pairs) (headers[name] ??= []).push(bytesOf(value))
  return headers
}

function shown(message) {
  const headers = Object.entries(message.headers ?? {}).flatMap(([name, values]) =>
    [values].flat().map(value => [name, base64Of(value)]))
  return {
    offset: Number(message.offset),
    timestamp: Number(message.timestamp),
    key: base64Of(message.key),
    value: base64Of(message.value),
    headers,
  }
}

// A connection that breaks before it is known which versions the server speaks counts as open with KafkaJS, for ever: it has to be
// made anew. The producer keeps its id; sent once more, a batch has the sequence it had.
const triesMax = 100

async function patiently(producer, send) {
  for (let tries = 1; ; ++tries) {
    try {
      return await send()
    } catch (error) {
      if (!String(error).includes('Broker not connected') || tries === triesMax) throw error
      await producer.disconnect()
      await producer.connect()
    }
  }
}

module.exports = kafka => {
  const producers = new Map()

  // The offset of each record, in their order: KafkaJS tells the first of each partition.
  async function send({ producer: name, topic, records }) {
    const { producer, compression } = producers.get(name)
    const messages = records.map(({ partition, key, value, headers, timestamp }) => ({
      partition,
      key: bytesOf(key),
      value: bytesOf(value),
      headers: headersOf(headers),
      ...(timestamp && { timestamp: String(timestamp) }),
    }))
    const stored = await patiently(producer, () => producer.send({ topic, acks: -1, compression, messages }))
    const next = new Map(stored.map(({ partition, baseOffset }) => [partition, Number(baseOffset)]))
    return records.map(({ partition }) => {
      const offset = next.get(partition)
      next.set(partition, offset < 0 ? offset : offset + 1)
      return offset
    })
  }

  // KafkaJS reads in a group, always.
  async function read({ topic, partition, offset, count }) {
    const consumer = kafka.consumer({ groupId: `reading-${randomUUID()}`, maxWaitTimeInMs: 300,
      retry: { retries: 3, restartOnFailure: async () => false } })
    const out = []
    try {
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await new Promise((resolve, reject) => {
        consumer.on(consumer.events.CRASH, ({ payload }) => reject(payload.error))
        const eachMessage = async ({ partition: from, message }) => {
          if (from === partition && Number(message.offset) === offset + out.length) out.push(shown(message))
          if (out.length >= count) resolve()
        }
        consumer.run({ autoCommit: false, eachMessage }).catch(reject)
        consumer.seek({ topic, partition, offset: String(offset) })
      })
    } finally {
      await consumer.disconnect()
    }
    return out.slice(0, count)
  }

  return {
    async open_producer({ producer: name, codec, idempotent }) {
      const retry = { initialRetryTime: 100, maxRetryTime: 1000, retries: Number.MAX_SAFE_INTEGER }
      const producer = kafka.producer(idempotent ? { idempotent, maxInFlightRequests: 1, retry } : {})
      await producer.connect()
      producers.set(name, { producer, compression: codecs[codec] })
    },
    send,
    async close_producer({ producer: name }) {
      await producers.get(name).producer.disconnect()
      producers.delete(name)
    },
    read,
  }
}
