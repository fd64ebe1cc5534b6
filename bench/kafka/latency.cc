#include <algorithm>
#include <atomic>
#include <cstring>
#include <mutex>
#include <thread>

#include "../log/baseline.h"
#include "base/check.h"
#include "client.h"
#include "loads.h"
#include "pause.h"

namespace pabal::bench {
namespace {

using nlohmann::json;

constexpr int flush_ms_max = 60'000;
constexpr Duration baseline_every = std::chrono::milliseconds(20);
constexpr Duration last_records_within = std::chrono::seconds(5);
constexpr double warm_up_share = 0.2;  // of the records, not counted

int64_t now_ns() { return system_clock().now().time_since_epoch().count(); }

json percentiles(std::vector<int64_t> ns) {
  if (ns.empty()) return nullptr;
  std::ranges::sort(ns);
  auto at = [&](double share) {
    return static_cast<double>(ns[std::min(ns.size() - 1, static_cast<size_t>(share * ns.size()))]) / 1e3;
  };
  return {{"samples", ns.size()}, {"p50_us", at(0.5)}, {"p99_us", at(0.99)}, {"p999_us", at(0.999)}};
}

// The time it was sent stands in the record.
int64_t sent_at(const void* payload) {
  int64_t sent = 0;
  std::memcpy(&sent, payload, sizeof sent);
  return sent;
}

// The flush baseline, sampled beside the load by a thread of its own.
class BaselineBeside {
 public:
  explicit BaselineBeside(const std::string& file) {
    if (file.empty()) return;
    thread_ = std::jthread([this, file](const std::stop_token& stop) {
      FlushBaseline baseline(file);
      while (!stop.stop_requested()) {
        ns_.push_back(baseline.sample().count());
        pause_for(baseline_every);
      }
    });
  }
  std::vector<int64_t> finish() {
    if (thread_.joinable()) {
      thread_.request_stop();
      thread_.join();
    }
    return std::move(ns_);
  }

 private:
  std::vector<int64_t> ns_;
  std::jthread thread_;
};

// Each record at its time, and with the time it was really sent.
void send_steadily(rd_kafka_topic_t* topic, const LoadOptions& options) {
  Bytes value(options.record_bytes, 'x');
  auto count = static_cast<int64_t>(options.per_second * options.seconds);
  Instant begin = system_clock().now();
  for (int64_t i = 0; i < count; ++i) {
    auto due =
        begin + std::chrono::duration_cast<Duration>(std::chrono::duration<double>(i / options.per_second));
    while (system_clock().now() < due) pause_for(due - system_clock().now());
    int64_t now = now_ns();
    std::memcpy(value.data(), &now, sizeof now);
    rd_kafka_produce(topic, static_cast<int>(i % options.partitions), RD_KAFKA_MSG_F_COPY, value.data(),
                     value.size(), nullptr, 0, nullptr);
  }
}

}  // namespace

json latency_load(const LoadOptions& options) {
  check(options.record_bytes >= sizeof(int64_t), "a record needs {} bytes for its time", sizeof(int64_t));
  KafkaClient consumer =
      make_consumer(options.bootstrap, options.topic, options.partitions, RD_KAFKA_OFFSET_END);
  std::vector<int64_t> acknowledged;
  std::vector<int64_t> consumed;
  std::atomic<bool> reads = true;
  std::atomic<size_t> read = 0;
  std::thread reader([&] {
    while (reads) {
      consume(consumer.get(), std::chrono::milliseconds(100), [&](const rd_kafka_message_t& record) {
        consumed.push_back(now_ns() - sent_at(record.payload));
        ++read;
      });
    }
  });
  size_t failed = 0;
  Delivered told = [&](const rd_kafka_message_t& record) {
    if (record.err == RD_KAFKA_RESP_ERR_NO_ERROR) {
      acknowledged.push_back(now_ns() - sent_at(record.payload));
    } else {
      ++failed;
    }
  };
  KafkaClient producer =
      make_producer(options.bootstrap, told, {{"linger.ms", "0"}, {"socket.nagle.disable", "true"}});
  rd_kafka_topic_t* topic = rd_kafka_topic_new(producer.get(), options.topic.c_str(), nullptr);
  std::atomic<bool> polls = true;
  std::thread poller([&] {
    while (polls) rd_kafka_poll(producer.get(), 100);
  });
  BaselineBeside baseline(options.flush_file);
  send_steadily(topic, options);
  polls = false;
  poller.join();  // flushing calls back, too, and one thread at a time may
  rd_kafka_flush(producer.get(), flush_ms_max);
  Instant end = system_clock().now() + last_records_within;
  while (read < acknowledged.size() && system_clock().now() < end) {
    pause_for(std::chrono::milliseconds(10));
  }
  reads = false;
  reader.join();
  rd_kafka_topic_destroy(topic);
  auto warm = [](std::vector<int64_t> all) {
    all.erase(all.begin(), all.begin() + static_cast<std::ptrdiff_t>(warm_up_share * all.size()));
    return all;
  };
  return {{"per_second", options.per_second},
          {"failed", failed},
          {"acknowledged", percentiles(warm(acknowledged))},
          {"consumed", percentiles(warm(consumed))},
          {"flush", percentiles(baseline.finish())}};
}

}  // namespace pabal::bench
