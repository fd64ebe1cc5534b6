#include "base/fuzz.h"
#include "protocol/kafka/consumer_protocol.h"

PABAL_FUZZ(consumer_protocol) {
  using namespace pabal;
  if (auto topics = kafka::read_subscription(input)) {
    check(topics->size() <= input.size() / 2, "{} topics in {} bytes", topics->size(), input.size());
  }
  if (auto topics = kafka::read_assignment(input)) {
    size_t bytes = 0;
    for (const auto& topic : *topics) bytes += 6 + topic.topic.size() + 4 * topic.partitions.size();
    check(bytes <= input.size(), "{} bytes of topics in {}", bytes, input.size());
  }
}
