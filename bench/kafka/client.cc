#include "client.h"

#include <algorithm>
#include <array>
#include <fmt/core.h>
#include <sys/resource.h>

#include "base/check.h"

namespace pabal::bench {
namespace {

constexpr size_t error_bytes_max = 512;
constexpr size_t consumed_at_once_max = 10'000;
constexpr int make_topic_ms_max = 60'000;

int milliseconds(Duration d) {
  return static_cast<int>(std::chrono::duration_cast<std::chrono::milliseconds>(d).count());
}

rd_kafka_conf_t* configured(const KafkaSettings& settings) {
  rd_kafka_conf_t* conf = rd_kafka_conf_new();
  std::array<char, error_bytes_max> problem{};
  for (const auto& [key, value] : settings) {
    auto done = rd_kafka_conf_set(conf, key.c_str(), value.c_str(), problem.data(), problem.size());
    check(done == RD_KAFKA_CONF_OK, "librdkafka: {}", problem.data());
  }
  return conf;
}

KafkaClient made(rd_kafka_type_t type, rd_kafka_conf_t* conf) {
  std::array<char, error_bytes_max> problem{};
  KafkaClient client(rd_kafka_new(type, conf, problem.data(), problem.size()));
  check(client != nullptr, "librdkafka: {}", problem.data());
  return client;
}

}  // namespace

void CloseKafka::operator()(rd_kafka_t* client) const {
  if (rd_kafka_type(client) == RD_KAFKA_CONSUMER) rd_kafka_consumer_close(client);
  rd_kafka_destroy(client);
}

KafkaClient make_producer(const std::string& bootstrap, const Delivered& delivered,
                          const KafkaSettings& more) {
  KafkaSettings settings = {{"bootstrap.servers", bootstrap},
                            {"client.id", "bench"},
                            {"acks", "all"},
                            {"queue.buffering.max.messages", "2000000"},
                            {"queue.buffering.max.kbytes", "1048576"},
                            {"topic.metadata.refresh.interval.ms", "-1"}};
  settings.insert(settings.end(), more.begin(), more.end());
  rd_kafka_conf_t* conf = configured(settings);
  rd_kafka_conf_set_opaque(conf, const_cast<Delivered*>(&delivered));  // NOLINT: given back as it was
  rd_kafka_conf_set_dr_msg_cb(conf, [](rd_kafka_t*, const rd_kafka_message_t* record, void* opaque) {
    (*static_cast<const Delivered*>(opaque))(*record);
  });
  return made(RD_KAFKA_PRODUCER, conf);
}

KafkaClient make_consumer(const std::string& bootstrap, const std::string& topic, int partitions,
                          int64_t offset) {
  KafkaClient consumer = made(RD_KAFKA_CONSUMER, configured({{"bootstrap.servers", bootstrap},
                                                             {"client.id", "bench"},
                                                             {"group.id", "bench"},
                                                             {"enable.auto.commit", "false"},
                                                             {"check.crcs", "false"},
                                                             {"auto.offset.reset", "earliest"},
                                                             {"fetch.wait.max.ms", "500"},
                                                             {"fetch.error.backoff.ms", "1"},
                                                             {"queued.max.messages.kbytes", "262144"}}));
  rd_kafka_poll_set_consumer(consumer.get());
  rd_kafka_topic_partition_list_t* all = rd_kafka_topic_partition_list_new(partitions);
  for (int i = 0; i < partitions; ++i) {
    rd_kafka_topic_partition_list_add(all, topic.c_str(), i)->offset = offset;
  }
  auto done = rd_kafka_assign(consumer.get(), all);
  rd_kafka_topic_partition_list_destroy(all);
  check(done == RD_KAFKA_RESP_ERR_NO_ERROR, "cannot assign {}: {}", topic, rd_kafka_err2str(done));
  return consumer;
}

void consume(rd_kafka_t* consumer, Duration within,
             const std::function<void(const rd_kafka_message_t&)>& each) {
  static thread_local std::vector<rd_kafka_message_t*> records(consumed_at_once_max);
  // The batch call with a time to wait would wait for a full batch; so wait for one, then take what is there.
  rd_kafka_message_t* first = rd_kafka_consumer_poll(consumer, milliseconds(within));
  if (first == nullptr) return;
  records.front() = first;
  rd_kafka_queue_t* queue = rd_kafka_queue_get_consumer(consumer);
  ssize_t count = 1 + std::max<ssize_t>(
                          0, rd_kafka_consume_batch_queue(queue, 0, records.data() + 1, records.size() - 1));
  rd_kafka_queue_destroy(queue);
  for (ssize_t i = 0; i < count; ++i) {
    rd_kafka_message_t* record = records[static_cast<size_t>(i)];
    if (record->err == RD_KAFKA_RESP_ERR_NO_ERROR) each(*record);
    rd_kafka_message_destroy(record);
  }
}

void make_topic(const std::string& bootstrap, const std::string& topic, int partitions) {
  Delivered nobody = [](const rd_kafka_message_t&) {};
  KafkaClient client = make_producer(bootstrap, nobody, {});
  std::array<char, error_bytes_max> problem{};
  rd_kafka_NewTopic_t* wanted =
      rd_kafka_NewTopic_new(topic.c_str(), partitions, 1, problem.data(), problem.size());
  rd_kafka_queue_t* queue = rd_kafka_queue_new(client.get());
  rd_kafka_CreateTopics(client.get(), &wanted, 1, nullptr, queue);
  rd_kafka_event_t* event = rd_kafka_queue_poll(queue, make_topic_ms_max);
  check(event != nullptr, "no answer to the making of {}", topic);
  size_t count = 0;
  const rd_kafka_topic_result_t** results =
      rd_kafka_CreateTopics_result_topics(rd_kafka_event_CreateTopics_result(event), &count);
  check(count == 1 && rd_kafka_topic_result_error(results[0]) == RD_KAFKA_RESP_ERR_NO_ERROR,
        "{} cannot be made: {}", topic,
        count == 1 ? rd_kafka_topic_result_error_string(results[0]) : rd_kafka_event_error_string(event));
  rd_kafka_event_destroy(event);
  rd_kafka_queue_destroy(queue);
  rd_kafka_NewTopic_destroy(wanted);
}

double cpu_seconds() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  auto seconds = [](const timeval& t) { return static_cast<double>(t.tv_sec) + t.tv_usec * 1e-6; };
  return seconds(used.ru_utime) + seconds(used.ru_stime);
}

}  // namespace pabal::bench
