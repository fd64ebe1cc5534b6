import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.Collection;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Properties;
import java.util.TreeMap;
import java.util.TreeSet;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.AlterConfigOp;
import org.apache.kafka.clients.admin.ConfigEntry;
import org.apache.kafka.clients.admin.ConsumerGroupDescription;
import org.apache.kafka.clients.admin.NewPartitions;
import org.apache.kafka.clients.admin.NewTopic;
import org.apache.kafka.clients.admin.OffsetSpec;
import org.apache.kafka.clients.admin.RecordsToDelete;
import org.apache.kafka.clients.admin.ScramCredentialInfo;
import org.apache.kafka.clients.admin.ScramMechanism;
import org.apache.kafka.clients.admin.TopicDescription;
import org.apache.kafka.clients.admin.UserScramCredentialUpsertion;
import org.apache.kafka.clients.consumer.OffsetAndMetadata;
import org.apache.kafka.common.TopicCollection;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.Uuid;
import org.apache.kafka.common.acl.AccessControlEntry;
import org.apache.kafka.common.acl.AccessControlEntryFilter;
import org.apache.kafka.common.acl.AclBinding;
import org.apache.kafka.common.acl.AclBindingFilter;
import org.apache.kafka.common.acl.AclOperation;
import org.apache.kafka.common.acl.AclPermissionType;
import org.apache.kafka.common.config.ConfigResource;
import org.apache.kafka.common.resource.PatternType;
import org.apache.kafka.common.resource.ResourcePattern;
import org.apache.kafka.common.resource.ResourcePatternFilter;
import org.apache.kafka.common.resource.ResourceType;

/** The calls of an administrator, each with one Admin for all. */
final class Administration {
    private final Properties connection;
    private Admin admin;

    Administration(Properties connection) {
        this.connection = connection;
    }

    void offer(Map<String, Drive.Call> calls) {
        offerTopics(calls);
        offerRecords(calls);
        offerGroups(calls);
        offerAccess(calls);
    }

    private synchronized Admin admin() {
        if (admin == null) {
            admin = Admin.create(connection);
        }
        return admin;
    }

    private static List<String> texts(JsonNode array) {
        List<String> made = new ArrayList<>();
        array.forEach(item -> made.add(item.asText()));
        return made;
    }

    private static List<Uuid> ids(JsonNode array) {
        return texts(array).stream().map(Uuid::fromString).toList();
    }

    private static TopicPartition partition(JsonNode asked) {
        return new TopicPartition(asked.get("topic").asText(), asked.get("partition").asInt());
    }

    private static Map<String, Object> shown(TopicDescription topic) {
        return Map.of("name", topic.name(), "id", topic.topicId().toString(), "partitions", topic.partitions().size());
    }

    // -- topics --------------------------------------------------------------------------------------------------------

    private void offerTopics(Map<String, Drive.Call> calls) {
        calls.put("create_topics", asked -> {
            List<NewTopic> topics = new ArrayList<>();
            for (JsonNode topic : asked.get("topics")) {
                Map<String, String> configs = new HashMap<>();
                topic.get("configs").properties().forEach(setting -> configs.put(setting.getKey(), setting.getValue().asText()));
                topics.add(new NewTopic(topic.get("name").asText(), Optional.of(topic.get("partitions").asInt()), Optional.empty())
                        .configs(configs));
            }
            return admin().createTopics(topics).all().get();
        });
        calls.put("topics", asked -> new TreeSet<>(admin().listTopics().names().get()));
        calls.put("describe_topic", asked -> {
            String name = asked.get("topic").asText();
            return shown(admin().describeTopics(List.of(name)).allTopicNames().get().get(name));
        });
        calls.put("describe_topic_id", asked -> {
            Uuid id = Uuid.fromString(asked.get("topic_id").asText());
            return shown(admin().describeTopics(TopicCollection.ofTopicIds(List.of(id))).allTopicIds().get().get(id));
        });
        calls.put("delete_topics", asked -> admin().deleteTopics(texts(asked.get("topics"))).all().get());
        calls.put("delete_topic_ids",
                asked -> admin().deleteTopics(TopicCollection.ofTopicIds(ids(asked.get("topic_ids")))).all().get());
        calls.put("create_partitions", asked -> admin()
                .createPartitions(Map.of(asked.get("topic").asText(), NewPartitions.increaseTo(asked.get("count").asInt()))).all().get());
        calls.put("configs", asked -> {
            ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, asked.get("topic").asText());
            Map<String, String> values = new TreeMap<>();
            admin().describeConfigs(List.of(topic)).all().get().get(topic).entries().forEach(entry -> values.put(entry.name(), entry.value()));
            return values;
        });
        calls.put("alter_configs", asked -> {
            List<AlterConfigOp> changes = new ArrayList<>();
            asked.get("set").properties().forEach(setting -> changes.add(new AlterConfigOp(
                    new ConfigEntry(setting.getKey(), setting.getValue().asText()), AlterConfigOp.OpType.SET)));
            texts(asked.get("unset")).forEach(name -> changes.add(new AlterConfigOp(new ConfigEntry(name, ""), AlterConfigOp.OpType.DELETE)));
            ConfigResource topic = new ConfigResource(ConfigResource.Type.TOPIC, asked.get("topic").asText());
            return admin().incrementalAlterConfigs(Map.of(topic, changes)).all().get();
        });
    }

    // -- records, the cluster ------------------------------------------------------------------------------------------

    private void offerRecords(Map<String, Drive.Call> calls) {
        calls.put("delete_records", asked -> admin().deleteRecords(Map.of(partition(asked),
                RecordsToDelete.beforeOffset(asked.get("offset").asLong()))).all().get());
        calls.put("offset_at", asked -> {
            String at = asked.get("at").asText();
            OffsetSpec wanted = switch (at) {
                case "earliest" -> OffsetSpec.earliest();
                case "latest" -> OffsetSpec.latest();
                case "max" -> OffsetSpec.maxTimestamp();
                default -> OffsetSpec.forTimestamp(Long.parseLong(at));
            };
            TopicPartition partition = partition(asked);
            return admin().listOffsets(Map.of(partition, wanted)).partitionResult(partition).get().offset();
        });
        calls.put("cluster", asked -> {
            var cluster = admin().describeCluster();
            return Map.of("id", cluster.clusterId().get(), "brokers", cluster.nodes().get().size(), "controller", cluster.controller().get().id());
        });
        calls.put("log_dirs", asked -> {
            Map<String, Long> sizes = new TreeMap<>();
            admin().describeLogDirs(List.of(1)).allDescriptions().get().get(1).values().forEach(
                    directory -> directory.replicaInfos().forEach((partition, replica) -> sizes.put(partition.toString(), replica.size())));
            return sizes;
        });
    }

    // -- groups --------------------------------------------------------------------------------------------------------

    private void offerGroups(Map<String, Drive.Call> calls) {
        calls.put("groups", asked -> new TreeSet<>(admin().listGroups().all().get().stream().map(group -> group.groupId()).toList()));
        calls.put("describe_group", asked -> {
            String name = asked.get("group").asText();
            ConsumerGroupDescription group = admin().describeConsumerGroups(List.of(name)).all().get().get(name);
            return Map.of("state", group.groupState().toString(), "protocol", group.partitionAssignor(), "members", group.members().size());
        });
        calls.put("group_offsets", asked -> {
            Map<String, Long> offsets = new TreeMap<>();
            admin().listConsumerGroupOffsets(asked.get("group").asText()).partitionsToOffsetAndMetadata().get().forEach(
                    (partition, offset) -> offsets.put(partition.toString(), offset.offset()));
            return offsets;
        });
        calls.put("set_group_offset", asked -> admin().alterConsumerGroupOffsets(asked.get("group").asText(),
                Map.of(partition(asked), new OffsetAndMetadata(asked.get("offset").asLong()))).all().get());
        calls.put("delete_group_offset", asked -> admin().deleteConsumerGroupOffsets(asked.get("group").asText(),
                java.util.Set.of(partition(asked))).all().get());
        calls.put("delete_groups", asked -> admin().deleteConsumerGroups(texts(asked.get("groups"))).all().get());
    }

    // -- who may do what -----------------------------------------------------------------------------------------------

    private void offerAccess(Map<String, Drive.Call> calls) {
        calls.put("create_acl", asked -> {
            var what = new ResourcePattern(ResourceType.fromString(asked.get("type").asText()), asked.get("name").asText(),
                    PatternType.fromString(asked.get("pattern").asText().toUpperCase()));
            var who = new AccessControlEntry(asked.get("principal").asText(), "*", AclOperation.fromString(asked.get("operation").asText()),
                    AclPermissionType.fromString(asked.get("permission").asText()));
            return admin().createAcls(List.of(new AclBinding(what, who))).all().get();
        });
        calls.put("acls", asked -> admin().describeAcls(of(asked)).values().get().size());
        calls.put("delete_acls", asked -> ((Collection<?>) admin().deleteAcls(List.of(of(asked))).all().get()).size());
        calls.put("set_password", asked -> admin().alterUserScramCredentials(List.of(new UserScramCredentialUpsertion(
                asked.get("user").asText(), new ScramCredentialInfo(ScramMechanism.fromMechanismName(asked.get("mechanism").asText()), 4096),
                asked.get("password").asText()))).all().get());
    }

    /** Every rule of one principal. */
    private static AclBindingFilter of(JsonNode asked) {
        return new AclBindingFilter(new ResourcePatternFilter(ResourceType.ANY, null, PatternType.ANY),
                new AccessControlEntryFilter(asked.get("principal").asText(), null, AclOperation.ANY, AclPermissionType.ANY));
    }
}
