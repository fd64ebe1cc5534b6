// Members of consumer groups. Each reads numbers, says which, and commits behind them.
const { PartitionAssigners } = require('kafkajs')

const assigners = { roundrobin: PartitionAssigners.roundRobin }

module.exports = (client, say, nameOf) => {
  const members = new Map()

  async function join({ member, group, topic, assignor, session_ms: sessionTimeout }) {
    const consumer = client(member).consumer({ groupId: group, sessionTimeout, heartbeatInterval: 300, maxWaitTimeInMs: 300,
      partitionAssigners: [assigners[assignor]] })
    members.set(member, consumer)
    const failed = error => say({ event: 'failed', member, message: `${nameOf(error)}: ${error}` })
    consumer.on(consumer.events.GROUP_JOIN, ({ payload }) =>
      say({ event: 'assigned', member, partitions: payload.memberAssignment[topic] ?? [] }))
    consumer.on(consumer.events.CRASH, ({ payload }) => payload.restart || failed(payload.error))
    const eachBatch = async ({ batch, heartbeat }) => {
      const records = batch.messages.map(({ value }) => [batch.partition, Number(value.toString())])
      say({ event: 'read', member, records })
      try {
        await consumer.commitOffsets([{ topic, partition: batch.partition, offset: String(Number(batch.lastOffset()) + 1) }])
      } catch {
        // A rebalance or a restart came first: who has the partition next reads from the last commit.
      }
      await heartbeat()
    }
    const start = async () => {
      await consumer.connect()
      await consumer.subscribe({ topics: [topic], fromBeginning: true })
      await consumer.run({ autoCommit: false, eachBatch })
    }
    start().catch(failed)
  }

  return {
    join,
    async leave({ member }) {
      await members.get(member).disconnect()
      members.delete(member)
    },
  }
}
