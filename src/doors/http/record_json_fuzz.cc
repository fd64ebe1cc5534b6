#include <nlohmann/json.hpp>

#include "base/fuzz.h"
#include "doors/http/record_json.h"
#include "log/record_batch.h"
#include "protocol/base64.h"
#include "protocol/json.h"

// Whatever bytes a record holds, what goes out is JSON, and says them.

namespace pabal::doors {
namespace {

using nlohmann::json;

std::string take_text(BytesView& input) {
  size_t size = std::min<size_t>(take_byte(input), input.size());
  std::string text(as_text(input.first(size)));
  input = input.subspan(size);
  return text;
}

std::optional<std::string> take_maybe(BytesView& input) {
  if (take_byte(input) % 4 == 0) return std::nullopt;
  return take_text(input);
}

json parsed(const std::string& text) {
  json read = json::parse(text, nullptr, false);
  check(read.is_object(), "what goes out is no JSON: {}", text);
  return read;
}

// The bytes that the members NAME and NAME_base64 say; nullopt for null.
std::optional<std::string> bytes_of(const json& from, const std::string& name) {
  auto encoded = from.find(name + "_base64");
  if (encoded != from.end()) return protocol::base64_decode(encoded->get<std::string>());
  auto plain = from.find(name);
  check(plain != from.end(), "{} is not said", name);
  return plain->is_null() ? std::nullopt : std::optional(plain->get<std::string>());
}

void try_record(const log::StoredRecord& record) {
  std::string out;
  append_record(out, PartitionIndex(0), record);
  json read = parsed(out);
  auto key = bytes_of(read, "key");
  check(key.has_value() == record.key.has_value() && (!key || *key == as_text(*record.key)),
        "another key goes out");
  check(record.value.has_value() != read.value("tombstone", false), "a tombstone and its value");
  bool listed = read.contains("header_list");
  check(listed || read["headers"].size() == record.headers.size(), "{} headers of {}", read["headers"].size(),
        record.headers.size());
  if (!listed) return;
  check(read["header_list"].size() == record.headers.size(), "headers are missing");
}

}  // namespace
}  // namespace pabal::doors

PABAL_FUZZ(record_json) {
  using namespace pabal;
  log::StoredRecord record;
  int64_t ms = 0;
  std::memcpy(&ms, input.data(), std::min(input.size(), sizeof ms));
  input = input.subspan(std::min(input.size(), sizeof ms));
  record.timestamp = WallTime(std::chrono::milliseconds(ms));
  auto key = doors::take_maybe(input);
  auto value = doors::take_maybe(input);
  if (key) record.key = as_bytes(*key);
  if (value) record.value = as_bytes(*value);
  broker::Message message;
  message.lease = doors::take_text(input);
  message.key = key;
  message.body = value;
  for (int left = take_byte(input) % 8; left > 0; --left) {
    std::string name = doors::take_text(input);
    message.headers.push_back({std::move(name), doors::take_maybe(input)});
  }
  for (const broker::QueueHeader& header : message.headers) {
    std::optional<BytesView> bytes;
    if (header.value) bytes = as_bytes(*header.value);
    record.headers.push_back({header.name, bytes});
  }
  doors::try_record(record);
  std::string out;
  doors::append_message(out, message);
  doors::parsed(out);
  out.clear();
  broker::MessageLook look;
  look.key = key;
  look.body = value;
  look.headers = message.headers;
  look.enqueued_at = record.timestamp;
  doors::append_look(out, look);
  doors::parsed(out);
}
