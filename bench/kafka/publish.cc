#include "base/check.h"
#include "client.h"
#include "loads.h"

namespace pabal::bench {
namespace {

constexpr int flush_ms_max = 120'000;

double seconds_since(Instant before) {
  return std::chrono::duration<double>(system_clock().now() - before).count();
}

}  // namespace

nlohmann::json publish_load(const LoadOptions& options) {
  int64_t delivered = 0;
  std::string problem;
  Delivered count = [&](const rd_kafka_message_t& record) {
    if (record.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      ++delivered;
    } else {
      problem = rd_kafka_err2str(record.err);
    }
  };
  KafkaClient producer = make_producer(options.bootstrap, count, {{"linger.ms", "5"}});
  rd_kafka_topic_t* topic = rd_kafka_topic_new(producer.get(), options.topic.c_str(), nullptr);
  const struct rd_kafka_metadata* metadata = nullptr;
  (void)rd_kafka_metadata(producer.get(), 0, topic, &metadata, flush_ms_max);
  if (metadata) rd_kafka_metadata_destroy(metadata);
  Bytes value(options.record_bytes, 'x');
  double cpu_before = cpu_seconds();
  Instant before = system_clock().now();
  int64_t sent = 0;
  for (int partition = 0; seconds_since(before) < options.seconds;) {
    for (int i = 0; i < 1000; ++i) {
      if (rd_kafka_produce(topic, partition, RD_KAFKA_MSG_F_COPY, value.data(), value.size(), nullptr, 0,
                           nullptr) != 0) {
        rd_kafka_poll(producer.get(), 1);
        continue;
      }
      ++sent;
      partition = (partition + 1) % options.partitions;
    }
    rd_kafka_poll(producer.get(), 0);
  }
  rd_kafka_flush(producer.get(), flush_ms_max);
  double seconds = seconds_since(before);
  rd_kafka_topic_destroy(topic);
  return {{"records", delivered},
          {"failed", sent - delivered},
          {"problem", problem},
          {"seconds", seconds},
          {"records_per_s", delivered / seconds},
          {"mb_per_s", delivered * value.size() / seconds / 1e6},
          {"client_cpu_seconds", cpu_seconds() - cpu_before}};
}

nlohmann::json consume_load(const LoadOptions& options) {
  KafkaClient consumer = make_consumer(options.bootstrap, options.topic, options.partitions, 0);
  int64_t records = 0;
  int64_t bytes = 0;
  double cpu_before = cpu_seconds();
  Instant before = system_clock().now();
  Instant first = before;
  while (records < options.records && seconds_since(before) < flush_ms_max / 1000.0) {
    consume(consumer.get(), std::chrono::seconds(1), [&](const rd_kafka_message_t& record) {
      if (records++ == 0) first = system_clock().now();
      bytes += static_cast<int64_t>(record.len);
    });
  }
  double seconds = seconds_since(first);
  return {{"records", records},
          {"seconds", seconds},
          {"records_per_s", records / seconds},
          {"mb_per_s", bytes / seconds / 1e6},
          {"client_cpu_seconds", cpu_seconds() - cpu_before}};
}

}  // namespace pabal::bench
