#include "protocol/kafka/consumer_protocol.h"

#include <algorithm>

#include "protocol/kafka/wire_reader.h"

namespace pabal::kafka {
namespace {

constexpr size_t topic_bytes_min = 2;
constexpr size_t assigned_topic_bytes_min = 6;

// Nothing that the peer counts is believed beyond the bytes that are there.
size_t take_count(WireReader& in, size_t each_min) {
  auto count = in.take<int32_t>();
  bool sound = count >= 0 && static_cast<size_t>(count) <= in.remaining() / each_min;
  if (!in.failed() && !sound) in.fail(ErrorCode::invalid, "a count that cannot be");
  return in.failed() ? 0 : static_cast<size_t>(count);
}

std::string take_text(WireReader& in) {
  auto size = in.take<int16_t>();
  if (!in.failed() && size < 0) in.fail(ErrorCode::invalid, "no topic's name");
  return in.failed() ? std::string() : std::string(as_text(in.take_bytes(static_cast<size_t>(size))));
}

WireReader open(BytesView bytes) {
  WireReader in(SharedBytes(Bytes(bytes.begin(), bytes.end())), bytes.size());
  if (in.take<int16_t>() < 0) in.fail(ErrorCode::invalid, "a version below 0");
  return in;
}

Error failed(WireReader& in) { return in.failure().error("a consumer group's member"); }

}  // namespace

Result<std::vector<std::string>> read_subscription(BytesView bytes) {
  std::vector<std::string> topics;
  if (bytes.empty()) return topics;
  WireReader in = open(bytes);
  size_t count = take_count(in, topic_bytes_min);
  for (size_t i = 0; i < count && !in.failed(); ++i) topics.push_back(take_text(in));
  if (in.failed()) return std::unexpected(failed(in));
  return topics;
}

Result<std::vector<AssignedTopic>> read_assignment(BytesView bytes) {
  std::vector<AssignedTopic> topics;
  if (bytes.empty()) return topics;
  WireReader in = open(bytes);
  size_t count = take_count(in, assigned_topic_bytes_min);
  for (size_t i = 0; i < count && !in.failed(); ++i) {
    AssignedTopic& topic = topics.emplace_back(take_text(in));
    size_t partitions = take_count(in, sizeof(int32_t));
    for (size_t p = 0; p < partitions; ++p) topic.partitions.emplace_back(in.take<int32_t>());
  }
  if (in.failed()) return std::unexpected(failed(in));
  return topics;
}

}  // namespace pabal::kafka
