#include "broker/message_record.h"

#include <algorithm>
#include <charconv>

namespace pabal::broker {
namespace {

constexpr std::string_view id_header = "pabal-id";
constexpr std::string_view queue_header = "pabal-queue";
constexpr std::string_view topic_header = "pabal-topic";
constexpr std::string_view partition_header = "pabal-partition";
constexpr std::string_view offset_header = "pabal-offset";
constexpr std::string_view reason_header = "pabal-reason";
constexpr std::string_view deliveries_header = "pabal-deliveries";
constexpr std::string_view died_at_header = "pabal-died-at";
constexpr std::string_view enqueued_at_header = "pabal-enqueued-at";
constexpr std::string_view due_header = "pabal-due";
constexpr std::string_view expires_header = "pabal-expires";
constexpr std::string_view redriven_header = "pabal-redriven";

std::optional<int64_t> header_number(const log::RecordView& record, std::string_view name) {
  std::string_view text = header_text(record, name);
  int64_t number = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

std::optional<WallTime> header_time(const log::RecordView& record, std::string_view name) {
  auto number = header_number(record, name);
  if (!number) return std::nullopt;
  return WallTime(std::chrono::milliseconds(*number));
}

std::string ms_text(WallTime time) { return std::to_string(time.time_since_epoch().count()); }

MessageOrigin read_origin(const log::StoredRecord& record) {
  MessageOrigin origin;
  origin.id = header_text(record, id_header);
  origin.topic = header_text(record, topic_header);
  origin.at.partition =
      PartitionIndex(static_cast<int32_t>(header_number(record, partition_header).value_or(-1)));
  origin.at.offset = Offset(header_number(record, offset_header).value_or(-1));
  origin.enqueued_at = header_time(record, enqueued_at_header).value_or(record.timestamp);
  return origin;
}

}  // namespace

std::string_view header_text(const log::RecordView& record, std::string_view name) {
  const log::HeaderView* header = log::find_header(record, name);
  return header && header->value ? as_text(*header->value) : std::string_view();
}

std::optional<std::string> owned(const std::optional<BytesView>& bytes) {
  if (!bytes) return std::nullopt;
  return std::string(as_text(*bytes));
}

std::vector<QueueHeader> headers_of(const log::RecordView& record, bool strip) {
  std::vector<QueueHeader> headers;
  for (const log::HeaderView& header : record.headers) {
    if (strip && header.name.starts_with(own_header_prefix)) continue;
    headers.push_back({std::string(header.name), owned(header.value)});
  }
  return headers;
}

uint64_t key_hash(const std::optional<BytesView>& key) {
  if (!key) return 0;
  uint64_t hash = 0xcbf29ce484222325;  // FNV-1a
  for (uint8_t byte : *key) hash = (hash ^ byte) * 0x100000001b3;
  return hash == 0 ? 1 : hash;
}

MessageOrigin topic_origin(const std::string& topic, PartitionIndex partition,
                           const log::StoredRecord& record) {
  return {fmt::format("{}-{}-{}", topic, partition, record.offset),
          topic,
          {partition, record.offset},
          record.timestamp};
}

OwnRecord read_own(const log::StoredRecord& record) {
  return {read_origin(record), header_time(record, due_header), header_time(record, expires_header),
          log::find_header(record, redriven_header) != nullptr};
}

std::optional<DeadRecord> read_dead(const log::StoredRecord& record) {
  const log::HeaderView* queue = log::find_header(record, queue_header);
  if (!queue || !queue->value) return std::nullopt;
  DeadRecord dead{read_origin(record), std::string(as_text(*queue->value)),
                  std::string(header_text(record, reason_header)),
                  static_cast<int>(header_number(record, deliveries_header).value_or(0)), record.timestamp};
  dead.died_at = header_time(record, died_at_header).value_or(record.timestamp);
  return dead;
}

Duration age_of(WallTime then, WallTime now) {
  constexpr std::chrono::milliseconds most = std::chrono::days(10'000);
  return now - std::clamp(then, now - most, now + most);
}

OwnedRecord OwnedRecord::copy(const log::RecordView& record) {
  OwnedRecord copy;
  copy.key_ = owned(record.key);
  copy.value_ = owned(record.value);
  copy.headers_ = headers_of(record, true);
  copy.time_ = record.timestamp;
  return copy;
}

void OwnedRecord::add_header(std::string_view name, std::string value) {
  headers_.push_back({std::string(name), std::move(value)});
}

log::RecordView OwnedRecord::view() const {
  log::RecordView view;
  if (key_) view.key = as_bytes(*key_);
  if (value_) view.value = as_bytes(*value_);
  for (const QueueHeader& header : headers_) {
    std::optional<BytesView> value;
    if (header.value) value = as_bytes(*header.value);
    view.headers.push_back({header.name, value});
  }
  view.timestamp = time_;
  return view;
}

void add_origin(OwnedRecord& record, const MessageOrigin& origin) {
  record.add_header(id_header, origin.id);
  record.add_header(enqueued_at_header, ms_text(origin.enqueued_at));
  if (origin.topic.empty()) return;
  record.add_header(topic_header, origin.topic);
  record.add_header(partition_header, fmt::format("{}", origin.at.partition));
  record.add_header(offset_header, fmt::format("{}", origin.at.offset));
}

OwnedRecord make_posted(const PostMessage& message, std::string id, WallTime now) {
  OwnedRecord record;
  record.set_key(message.key);
  record.set_value(message.body);
  for (const QueueHeader& header : message.headers) record.add_header(header);
  add_origin(record, {std::move(id), {}, {PartitionIndex(-1), Offset(-1)}, now});
  if (message.due) record.add_header(due_header, ms_text(*message.due));
  if (message.ttl) {
    auto ttl = std::chrono::duration_cast<std::chrono::milliseconds>(*message.ttl);
    record.add_header(expires_header, ms_text(now + ttl));
  }
  record.set_time(now);
  return record;
}

OwnedRecord make_dead(const log::RecordView& record, const DeadRecord& dead) {
  OwnedRecord letter = OwnedRecord::copy(record);
  add_origin(letter, dead.origin);
  letter.add_header(queue_header, dead.queue);
  letter.add_header(reason_header, dead.reason);
  letter.add_header(deliveries_header, std::to_string(dead.deliveries));
  letter.add_header(died_at_header, ms_text(dead.died_at));
  letter.set_time(dead.died_at);
  return letter;
}

OwnedRecord make_redriven(const log::RecordView& record, const DeadRecord& dead) {
  OwnedRecord message = OwnedRecord::copy(record);
  add_origin(message, dead.origin);
  message.add_header(redriven_header, "1");
  message.set_time(dead.origin.enqueued_at);
  return message;
}

}  // namespace pabal::broker
