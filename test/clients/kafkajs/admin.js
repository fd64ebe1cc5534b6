// The calls of an administrator, with one for all.
const { AclOperationTypes, AclPermissionTypes, AclResourceTypes, ConfigResourceTypes, ResourcePatternTypes } = require('kafkajs')

const known = type => Object.assign(new Error(type), { type })
const number = offset => Number(offset)

module.exports = kafka => {
  let connected
  const admin = async () => {
    connected ??= (async () => {
      const made = kafka.admin()
      await made.connect()
      return made
    })()
    return connected
  }

  const topics = {
    async create_topics({ topics }) {
      const wanted = topics.map(({ name, partitions, configs }) => ({ topic: name, numPartitions: partitions,
        configEntries: Object.entries(configs).map(([name, value]) => ({ name, value })) }))
      // KafkaJS says no more of topics that exist than "false".
      if (!(await (await admin()).createTopics({ topics: wanted }))) throw known('TOPIC_ALREADY_EXISTS')
    },
    topics: async () => (await (await admin()).listTopics()).sort(),
    async describe_topic({ topic }) {
      const { topics } = await (await admin()).fetchTopicMetadata({ topics: [topic] })
      return { name: topics[0].name, partitions: topics[0].partitions.length }
    },
    delete_topics: async ({ topics }) => (await admin()).deleteTopics({ topics }),
    async create_partitions({ topic, count }) {
      await (await admin()).createPartitions({ topicPartitions: [{ topic, count }] })
    },
    async configs({ topic }) {
      const resources = [{ type: ConfigResourceTypes.TOPIC, name: topic }]
      const described = await (await admin()).describeConfigs({ resources, includeSynonyms: false })
      return Object.fromEntries(described.resources[0].configEntries.map(entry => [entry.configName, entry.configValue]))
    },
    async alter_configs({ topic, set }) { // not one by one: what is not named goes back to its default
      const configEntries = Object.entries(set).map(([name, value]) => ({ name, value }))
      await (await admin()).alterConfigs({ resources: [{ type: ConfigResourceTypes.TOPIC, name: topic, configEntries }],
        validateOnly: false })
    },
  }

  const records = {
    async delete_records({ topic, partition, offset }) {
      await (await admin()).fetchTopicOffsets(topic) // it looks for the leader before it has asked for one
      await (await admin()).deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
    },
    async offset_at({ topic, partition, at }) {
      const of = found => found.find(one => one.partition === partition)
      if (at === 'earliest') return number(of(await (await admin()).fetchTopicOffsets(topic)).low)
      if (at === 'latest') return number(of(await (await admin()).fetchTopicOffsets(topic)).high)
      return number(of(await (await admin()).fetchTopicOffsetsByTimestamp(topic, number(at))).offset)
    },
    async cluster() {
      const { brokers, controller, clusterId } = await (await admin()).describeCluster()
      return { id: clusterId, brokers: brokers.length, controller }
    },
  }

  const groups = {
    groups: async () => (await (await admin()).listGroups()).groups.map(({ groupId }) => groupId).sort(),
    async describe_group({ group }) {
      const { state, protocol, members } = (await (await admin()).describeGroups([group])).groups[0]
      return { state, protocol, members: members.length }
    },
    async group_offsets({ group }) {
      const fetched = await (await admin()).fetchOffsets({ groupId: group })
      return Object.fromEntries(fetched.flatMap(({ topic, partitions }) =>
        partitions.map(({ partition, offset }) => [`${topic}-${partition}`, number(offset)])))
    },
    async set_group_offset({ group, topic, partition, offset }) {
      await (await admin()).setOffsets({ groupId: group, topic, partitions: [{ partition, offset: String(offset) }] })
    },
    async delete_groups({ groups }) {
      await (await admin()).deleteGroups(groups)
    },
  }

  const rulesOf = principal => ({ resourceType: AclResourceTypes.ANY, resourcePatternType: ResourcePatternTypes.ANY, principal,
    operation: AclOperationTypes.ANY, permissionType: AclPermissionTypes.ANY })

  const access = {
    async create_acl({ principal, operation, type, name, pattern, permission }) {
      await (await admin()).createAcls({ acl: [{
        resourceType: AclResourceTypes[type.toUpperCase()], resourceName: name,
        resourcePatternType: ResourcePatternTypes[pattern.toUpperCase()], principal, host: '*',
        operation: AclOperationTypes[operation.toUpperCase()], permissionType: AclPermissionTypes[permission.toUpperCase()] }] })
    },
    async acls({ principal }) {
      const { resources } = await (await admin()).describeAcls(rulesOf(principal))
      return resources.flatMap(({ acls }) => acls).length
    },
    async delete_acls({ principal }) {
      const { filterResponses } = await (await admin()).deleteAcls({ filters: [rulesOf(principal)] })
      return filterResponses.flatMap(({ matchingAcls }) => matchingAcls).length
    },
  }

  return { ...topics, ...records, ...groups, ...access }
}
