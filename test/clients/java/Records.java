import com.fasterxml.jackson.databind.JsonNode;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.Future;
import org.apache.kafka.clients.consumer.ConsumerRecord;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.clients.producer.RecordMetadata;
import org.apache.kafka.common.TopicPartition;
import org.apache.kafka.common.header.Header;
import org.apache.kafka.common.serialization.ByteArrayDeserializer;
import org.apache.kafka.common.serialization.ByteArraySerializer;

/** Producers that stay open under a name, and reads of one partition. */
final class Records {
    private final Properties connection;
    private final Map<String, KafkaProducer<byte[], byte[]>> producers = new ConcurrentHashMap<>();

    Records(Properties connection) {
        this.connection = connection;
    }

    void offer(Map<String, Drive.Call> calls) {
        calls.put("open_producer", this::open);
        calls.put("send", this::send);
        calls.put("close_producer", this::close);
        calls.put("read", this::read);
    }

    private Object open(JsonNode asked) {
        Properties settings = new Properties();
        settings.putAll(connection);
        settings.put("acks", "all");
        settings.put("compression.type", asked.get("codec").asText());
        settings.put("enable.idempotence", asked.get("idempotent").asText());
        settings.put("linger.ms", asked.get("linger_ms").asText());
        settings.put("batch.size", asked.get("batch_bytes").asText());
        settings.put("max.block.ms", "60000");
        producers.put(asked.get("producer").asText(), new KafkaProducer<>(settings, new ByteArraySerializer(), new ByteArraySerializer()));
        return null;
    }

    /** The offset of each record, in their order. */
    private Object send(JsonNode asked) throws Exception {
        KafkaProducer<byte[], byte[]> producer = producers.get(asked.get("producer").asText());
        List<Future<RecordMetadata>> sent = new ArrayList<>();
        for (JsonNode record : asked.get("records")) {
            ProducerRecord<byte[], byte[]> made = new ProducerRecord<>(asked.get("topic").asText(), record.get("partition").asInt(),
                    record.has("timestamp") ? record.get("timestamp").asLong() : null, Drive.bytes(record.get("key")),
                    Drive.bytes(record.get("value")));
            if (record.has("headers")) {
                for (JsonNode header : record.get("headers")) {
                    made.headers().add(header.get(0).asText(), Drive.bytes(header.get(1)));
                }
            }
            sent.add(producer.send(made));
        }
        List<Long> offsets = new ArrayList<>();
        for (Future<RecordMetadata> one : sent) {
            offsets.add(one.get().offset());
        }
        return offsets;
    }

    private Object close(JsonNode asked) {
        producers.remove(asked.get("producer").asText()).close(Duration.ofSeconds(60));
        return null;
    }

    private Object read(JsonNode asked) {
        Properties settings = new Properties();
        settings.putAll(connection);
        settings.put("enable.auto.commit", "false");
        settings.put("auto.offset.reset", "earliest");
        int count = asked.get("count").asInt();
        List<Object> read = new ArrayList<>();
        try (var consumer = new KafkaConsumer<>(settings, new ByteArrayDeserializer(), new ByteArrayDeserializer())) {
            TopicPartition partition = new TopicPartition(asked.get("topic").asText(), asked.get("partition").asInt());
            consumer.assign(List.of(partition));
            consumer.seek(partition, asked.get("offset").asLong());
            while (read.size() < count) {
                consumer.poll(Duration.ofMillis(500)).forEach(record -> read.add(shown(record)));
            }
        }
        return read.subList(0, count);
    }

    private static Object shown(ConsumerRecord<byte[], byte[]> record) {
        Map<String, Object> made = new java.util.HashMap<>(); // of Java's maps the one that takes a null
        List<List<Object>> headers = new ArrayList<>();
        for (Header header : record.headers()) {
            headers.add(java.util.Arrays.asList(header.key(), header.value()));
        }
        made.put("offset", record.offset());
        made.put("timestamp", record.timestamp());
        made.put("key", record.key());
        made.put("value", record.value());
        made.put("headers", headers);
        return made;
    }
}
