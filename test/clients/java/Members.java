import com.fasterxml.jackson.databind.JsonNode;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;
import java.util.concurrent.ConcurrentHashMap;
import java.util.stream.Collectors;
import org.apache.kafka.clients.consumer.CommitFailedException;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.errors.RebalanceInProgressException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;

/** Members of consumer groups. Each reads numbers on a thread of its own, says which, and commits behind them. */
final class Members {
    private static final Map<String, String> ASSIGNORS = Map.of(
            "range", "org.apache.kafka.clients.consumer.RangeAssignor",
            "roundrobin", "org.apache.kafka.clients.consumer.RoundRobinAssignor",
            "sticky", "org.apache.kafka.clients.consumer.StickyAssignor",
            "cooperative", "org.apache.kafka.clients.consumer.CooperativeStickyAssignor");

    private final Properties connection;
    private final Map<String, Member> members = new ConcurrentHashMap<>();

    Members(Properties connection) {
        this.connection = connection;
    }

    void offer(Map<String, Drive.Call> calls) {
        calls.put("join", asked -> {
            Member member = new Member(asked);
            members.put(member.name, member);
            member.start();
            return null;
        });
        calls.put("leave", asked -> {
            Member member = members.remove(asked.get("member").asText());
            member.leaving = true;
            member.join();
            return null;
        });
    }

    private final class Member extends Thread {
        private final String name;
        private final KafkaConsumer<byte[], byte[]> consumer;
        private volatile boolean leaving;
        private Set<Integer> assigned = Set.of();

        Member(JsonNode asked) {
            name = asked.get("member").asText();
            Properties settings = new Properties();
            settings.putAll(connection);
            settings.put("client.id", name);
            settings.put("group.id", asked.get("group").asText());
            settings.put("partition.assignment.strategy", ASSIGNORS.get(asked.get("assignor").asText()));
            settings.put("enable.auto.commit", "false");
            settings.put("auto.offset.reset", "earliest");
            settings.put("session.timeout.ms", asked.get("session_ms").asText());
            settings.put("heartbeat.interval.ms", "300");
            // By default a client that finds no broker forgets its topics as well, and the leader of a group then joins anew.
            settings.put("metadata.recovery.strategy", "none");
            if (asked.has("instance")) {
                settings.put("group.instance.id", asked.get("instance").asText());
            }
            consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer());
            consumer.subscribe(List.of(asked.get("topic").asText()));
        }

        @Override
        public void run() {
            try (consumer) {
                while (!leaving) {
                    List<List<Long>> read = new ArrayList<>();
                    consumer.poll(Duration.ofMillis(100)).forEach(record -> read.add(List.of((long) record.partition(),
                            Long.valueOf(new String(record.value(), StandardCharsets.UTF_8)))));
                    sayAssigned();
                    if (!read.isEmpty()) {
                        Drive.say(Map.of("event", "read", "member", name, "records", read));
                        commit();
                    }
                }
            } catch (RuntimeException failed) {
                Drive.say(Map.of("event", "failed", "member", name, "message", Drive.nameOf(failed) + ": " + failed));
            }
        }

        private void sayAssigned() {
            Set<Integer> now = consumer.assignment().stream().map(TopicPartition::partition).collect(Collectors.toCollection(TreeSet::new));
            if (!now.equals(assigned)) {
                assigned = now;
                Drive.say(Map.of("event", "assigned", "member", name, "partitions", now));
            }
        }

        private void commit() {
            try {
                consumer.commitSync();
            } catch (CommitFailedException | RebalanceInProgressException | RetriableException later) {
                // A rebalance or a restart came first: who has the partition next reads from the last commit.
            }
        }
    }
}
