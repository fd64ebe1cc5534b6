#include "broker/idempotency.h"

#include <charconv>
#include <map>

#include "broker/find_batch.h"
#include "broker/topic_table.h"
#include "log/batch_layout.h"
#include "log/big_endian.h"
#include "log/record_batch.h"

namespace pabal::broker {
namespace {

std::string table_key(const Idempotency& call) {
  return fmt::format("i{}:{}{}", call.scope.size(), call.scope, call.key);
}

// Takes a number and, when it is there, the character `end` after it off the front.
std::optional<int64_t> take_number(std::string_view& text, char end) {
  int64_t number = 0;
  auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc()) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  if (text.starts_with(end)) text.remove_prefix(1);
  return number;
}

std::unexpected<Error> unreadable() {
  return error(ErrorCode::corrupt, "what an idempotency key stored cannot be read");
}

std::unexpected<Error> gone() {
  return error(
      ErrorCode::conflict,
      "the first call's records were stored, and retention, compaction or a crash has removed some since");
}

}  // namespace

uint32_t crc_of(BytesView batch) { return log::load<uint32_t>(batch, log::batch_layout::crc); }

// parts "partition@from#crc", then '|', then runs of "partition+count".
std::string StoredShape::encode() const {
  std::string text;
  for (const Part& part : parts) text += fmt::format("{}@{}#{},", part.partition, part.from, part.crc);
  text += '|';
  for (size_t i = 0; i < records.size();) {
    size_t n = 1;
    while (i + n < records.size() && records[i + n] == records[i]) ++n;
    text += fmt::format("{}+{},", records[i], n);
    i += n;
  }
  return text;
}

Result<StoredShape> StoredShape::decode(std::string_view text) {
  StoredShape shape;
  while (!text.empty() && text.front() != '|') {
    auto partition = take_number(text, '@');
    auto from = take_number(text, '#');
    auto crc = take_number(text, ',');
    if (!partition || !from || !crc) return unreadable();
    shape.parts.push_back(
        {PartitionIndex(static_cast<int32_t>(*partition)), Offset(*from), static_cast<uint32_t>(*crc)});
  }
  if (text.empty()) return unreadable();
  for (text.remove_prefix(1); !text.empty();) {
    auto partition = take_number(text, '+');
    auto count = take_number(text, ',');
    if (!partition || !count || *count < 1 ||
        *count > static_cast<int64_t>(records_per_publish_max - shape.records.size())) {
      return unreadable();
    }
    shape.records.insert(shape.records.end(), static_cast<size_t>(*count),
                         PartitionIndex(static_cast<int32_t>(*partition)));
  }
  return shape;
}

runtime::Task<Result<PublishResult>> find_answer(engine::Engine& engine, TopicId topic, StoredShape shape) {
  std::map<PartitionIndex, Offset> next;
  for (const StoredShape::Part& part : shape.parts) {
    auto is_it = [crc = part.crc](const log::BatchView& batch) { return crc_of(batch.bytes()) == crc; };
    auto base = co_await find_batch(engine, partition_log(topic, part.partition), part.from, is_it);
    if (!base) co_return std::unexpected(base.error());
    if (!*base) co_return gone();
    next.emplace(part.partition, **base);
  }
  PublishResult answer;
  for (PartitionIndex partition : shape.records) {
    auto it = next.find(partition);
    if (it == next.end()) co_return unreadable();
    answer.push_back(Stored{partition, it->second});
    ++it->second;
  }
  co_return answer;
}

Result<IdempotencyKeys::Begin> IdempotencyKeys::begin(const Idempotency& call) {
  if (call.key.empty() || call.key.size() > idempotency_key_bytes_max) {
    return error(ErrorCode::invalid, "an idempotency key of {} bytes: from 1 to {}", call.key.size(),
                 idempotency_key_bytes_max);
  }
  std::string key = table_key(call);
  if (const std::string* stored = table_.find(key)) {
    std::string_view text = *stored;
    auto fingerprint_bytes = take_number(text, ':');
    if (!fingerprint_bytes || *fingerprint_bytes < 0 ||
        *fingerprint_bytes > static_cast<int64_t>(text.size())) {
      return unreadable();
    }
    if (text.substr(0, static_cast<size_t>(*fingerprint_bytes)) != call.fingerprint) {
      return error(ErrorCode::key_reused, "Idempotency-Key {:?} was used with another body", call.key);
    }
    auto shape = StoredShape::decode(text.substr(static_cast<size_t>(*fingerprint_bytes)));
    if (!shape) return std::unexpected(shape.error());
    return Begin{std::move(*shape), std::nullopt};
  }
  if (!running_.insert(key).second) {
    return error(ErrorCode::conflict, "the first call with Idempotency-Key {:?} is still running", call.key);
  }
  return Begin{std::nullopt, Running(*this, std::move(key))};
}

engine::TableChange IdempotencyKeys::remember(const Idempotency& call, const StoredShape& stored,
                                              WallTime now) {
  auto window = std::chrono::duration_cast<std::chrono::milliseconds>(idempotency_window);
  return {table_key(call), fmt::format("{}:{}{}", call.fingerprint.size(), call.fingerprint, stored.encode()),
          now + window};
}

}  // namespace pabal::broker
