#include "engine/table_replay.h"

#include <charconv>

#include "log/record_batch.h"

namespace pabal::engine {
namespace {

constexpr std::string_view expires_header = "x";
constexpr std::string_view snapshot_header = "s";

Result<std::optional<WallTime>> expiry_of(const log::StoredRecord& record) {
  const log::HeaderView* header = log::find_header(record, expires_header);
  if (!header) return std::nullopt;
  std::string_view text = header->value ? as_text(*header->value) : std::string_view();
  int64_t ms = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (problem != std::errc() || end != text.data() + text.size()) {
    return error(ErrorCode::corrupt, "offset {}: an expiry that is no number", record.offset);
  }
  return WallTime(std::chrono::milliseconds(ms));
}

}  // namespace

log::RecordView TableRecord::view(WallTime now) const {
  log::RecordView record{as_bytes(key), std::nullopt, {}, now};
  if (value) record.value = as_bytes(*value);
  if (expires) {
    expires_text = std::to_string(expires->time_since_epoch().count());
    record.headers.push_back({expires_header, as_bytes(expires_text)});
  }
  if (snapshot) record.headers.push_back({snapshot_header, std::nullopt});
  return record;
}

Result<TableRecord> TableRecord::from(const log::StoredRecord& record) {
  TableRecord out;
  out.key = as_text(*record.key);
  if (record.value) out.value = std::string(as_text(*record.value));
  auto expires = expiry_of(record);
  if (!expires) return std::unexpected(expires.error());
  out.expires = *expires;
  out.snapshot = log::find_header(record, snapshot_header) != nullptr;
  return out;
}

Result<Offset> TableReplay::add(BytesView bytes, Offset from) {
  auto batch = log::BatchView::parse(bytes);
  if (!batch) return std::unexpected(batch.error());
  if (auto sound = batch->verify(); !sound) return std::unexpected(sound.error());
  Result<void> outcome;
  auto read = batch->for_each([&](const log::StoredRecord& record) {
    if (record.offset < from) return true;
    outcome = add_record(record);
    return outcome.has_value();
  });
  if (!read) return std::unexpected(read.error());
  if (!outcome) return std::unexpected(outcome.error());
  return batch->next_offset();
}

Result<void> TableReplay::add_record(const log::StoredRecord& record) {
  if (!record.key) {
    add_marker(record.value ? as_text(*record.value) : std::string_view(), record.offset);
    return {};
  }
  auto entry = TableRecord::from(record);
  if (!entry) return std::unexpected(entry.error());
  if (entry->snapshot && changed_.contains(entry->key)) return {};
  if (!entry->snapshot && begun_) changed_.insert(entry->key);
  show_({std::move(entry->key), std::move(entry->value), entry->expires});
  return {};
}

void TableReplay::add_marker(std::string_view marker, Offset at) {
  changed_.clear();
  if (marker == table_begin_marker) {
    begun_ = at;
  } else if (marker == table_end_marker && begun_) {
    last_snapshot_ = begun_;
    begun_.reset();
  }
}

}  // namespace pabal::engine
