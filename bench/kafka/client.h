#pragma once

#include <cstdint>
#include <functional>
#include <librdkafka/rdkafka.h>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"

// librdkafka for the load: what all its loads configure alike, whatever server they talk to.
namespace pabal::bench {

using KafkaSettings = std::vector<std::pair<std::string, std::string>>;

struct CloseKafka {
  void operator()(rd_kafka_t* client) const;
};
using KafkaClient = std::unique_ptr<rd_kafka_t, CloseKafka>;

// `delivered` is told of each record how many bytes it had and what `opaque` was given; it runs in poll().
using Delivered = std::function<void(const rd_kafka_message_t& record)>;

// acks=all, not idempotent, no compression; `more` goes over what is set. Ends the program on a setting that
// librdkafka does not know. `delivered` must outlive the client.
[[nodiscard]] KafkaClient make_producer(const std::string& bootstrap, const Delivered& delivered,
                                        const KafkaSettings& more);
// Reads every partition of the topic from `offset` on (RD_KAFKA_OFFSET_BEGINNING, …), without a group.
[[nodiscard]] KafkaClient make_consumer(const std::string& bootstrap, const std::string& topic,
                                        int partitions, int64_t offset);
// Hands up to a batch of records to `each`, waiting at most `within` for the first. Ends the program on an
// error that librdkafka does not mend itself.
void consume(rd_kafka_t* consumer, Duration within,
             const std::function<void(const rd_kafka_message_t&)>& each);

void make_topic(const std::string& bootstrap, const std::string& topic, int partitions);

// The processor time that this process has used.
[[nodiscard]] double cpu_seconds();

}  // namespace pabal::bench
