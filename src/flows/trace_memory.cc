#include "flows/trace_memory.h"

#include <algorithm>
#include <cstring>
#include <iterator>

#include "base/check.h"
#include "base/uuid.h"

namespace pabal::flows {
namespace {

// An entry in a chunk:
//
//   0 fixed part (Packed) | id | key | correlation id | causation id | reason | search values
//
// each text as a u16 length and its bytes; length 0xFFFF stands for a lower-case UUID in 16 bytes.
struct Packed {
  int64_t at_ms;
  int64_t instant_ns;
  int64_t offset;
  int64_t duration_ns;
  int64_t due_ms;
  int32_t partition;
  int32_t delivery;
  uint16_t service, peer, topic, queue, type, outcome;
  uint8_t kind;
  uint8_t failed;
  uint8_t has_due;
  uint8_t search_count;
};
static_assert(std::has_unique_object_representations_v<Packed>);

constexpr uint16_t uuid_mark = 0xFFFF;

bool is_lower_case_uuid(std::string_view text) {
  return text.size() == 36 && std::ranges::none_of(text, [](char c) { return c >= 'A' && c <= 'F'; }) &&
         Uuid::parse(text);
}

void put_u16(Bytes& out, uint16_t value) {
  out.push_back(static_cast<uint8_t>(value & 0xFF));
  out.push_back(static_cast<uint8_t>(value >> 8));
}

void put_text(Bytes& out, std::string_view text) {
  text = text.substr(0, seen_text_bytes_max);
  if (is_lower_case_uuid(text)) {
    put_u16(out, uuid_mark);
    Uuid uuid = *Uuid::parse(text);
    out.insert(out.end(), uuid.bytes.begin(), uuid.bytes.end());
    return;
  }
  put_u16(out, static_cast<uint16_t>(text.size()));
  out.insert(out.end(), text.begin(), text.end());
}

std::string get_text(BytesView in, size_t& position) {
  check(position + 2 <= in.size(), "a text begins at {} of {}", position, in.size());
  size_t size = in[position] | static_cast<size_t>(in[position + 1]) << 8;
  position += 2;
  if (size == uuid_mark) {
    Uuid uuid;
    check(position + uuid.bytes.size() <= in.size(), "a UUID begins at {} of {}", position, in.size());
    std::memcpy(uuid.bytes.data(), in.data() + position, uuid.bytes.size());
    position += uuid.bytes.size();
    return uuid.to_string();
  }
  check(position + size <= in.size(), "a text of {} at {} of {}", size, position, in.size());
  std::string text(as_text(in.subspan(position, size)));
  position += size;
  return text;
}

uint32_t hash_of(std::string_view id) { return static_cast<uint32_t>(std::hash<std::string_view>{}(id)); }

}  // namespace

struct TraceMemory::Chunk {
  struct Slot {
    uint32_t hash;
    uint32_t position;
    friend auto operator<=>(const Slot&, const Slot&) = default;
  };
  Bytes entries;
  std::vector<Slot> index;  // sorted once the chunk is full
  bool sealed = false;
  WallTime newest = {};
  int64_t count = 0;

  [[nodiscard]] size_t bytes() const { return entries.capacity() + index.capacity() * sizeof(Slot); }

  void note(std::string_view id, uint32_t position) {
    if (!id.empty()) index.push_back({hash_of(id), position});
  }
  void seal() {
    std::ranges::sort(index);
    index.erase(std::unique(index.begin(), index.end()), index.end());
    index.shrink_to_fit();
    entries.shrink_to_fit();
    sealed = true;
  }
  void positions_of(uint32_t hash, std::vector<uint32_t>& out) const {
    auto from = sealed ? std::ranges::lower_bound(index, Slot{hash, 0}) : index.begin();
    for (; from != index.end() && (!sealed || from->hash == hash); ++from) {
      if (from->hash == hash) out.push_back(from->position);
    }
  }
};

TraceMemory::TraceMemory(TraceLimits limits, WallTime start) : limits_(limits), complete_since_(start) {}
TraceMemory::~TraceMemory() = default;

std::string TraceMemory::record_id(std::string_view topic, int32_t partition, int64_t offset) {
  return fmt::format("{}/{}/{}", topic, partition, offset);
}

TraceMemory::Chunk& TraceMemory::open_chunk(WallTime at) {
  if (!chunks_.empty() && chunks_.back()->entries.size() < limits_.chunk_bytes) return *chunks_.back();
  if (!chunks_.empty()) {
    chunks_.back()->seal();
    sealed_bytes_ += chunks_.back()->bytes();
  }
  chunks_.push_back(std::make_unique<Chunk>());
  forget(at);
  while (chunks_.size() > 1 && bytes() > limits_.bytes_max) drop_oldest();
  return *chunks_.back();
}

void TraceMemory::add(const Seen& seen) {
  Chunk& chunk = open_chunk(seen.at);
  auto position = static_cast<uint32_t>(chunk.entries.size());
  Packed packed{.at_ms = seen.at.time_since_epoch().count(),
                .instant_ns = seen.instant.time_since_epoch().count(),
                .offset = seen.offset,
                .duration_ns = seen.duration.count(),
                .due_ms = seen.due ? seen.due->time_since_epoch().count() : 0,
                .partition = seen.partition,
                .delivery = seen.delivery,
                .service = names_.number_of(seen.service),
                .peer = names_.number_of(seen.peer),
                .topic = names_.number_of(seen.topic),
                .queue = names_.number_of(seen.queue),
                .type = names_.number_of(seen.type),
                .outcome = names_.number_of(seen.outcome),
                .kind = static_cast<uint8_t>(seen.kind),
                .failed = seen.failed,
                .has_due = seen.due.has_value(),
                .search_count = static_cast<uint8_t>(std::min(seen.search.size(), seen_search_values_max))};
  const auto* raw = reinterpret_cast<const uint8_t*>(&packed);
  chunk.entries.insert(chunk.entries.end(), raw, raw + sizeof packed);
  for (auto text : {seen.id, seen.key, seen.correlation_id, seen.causation_id, seen.reason}) {
    put_text(chunk.entries, text);
  }
  for (size_t i = 0; i < packed.search_count; ++i) put_text(chunk.entries, seen.search[i]);

  chunk.note(seen.id, position);
  chunk.note(seen.key, position);
  chunk.note(seen.correlation_id, position);
  for (size_t i = 0; i < packed.search_count; ++i) chunk.note(seen.search[i], position);
  if (seen.offset >= 0) chunk.note(record_id(seen.topic, seen.partition, seen.offset), position);
  chunk.newest = std::max(chunk.newest, seen.at);
  ++chunk.count;
  ++entries_;
}

TraceEntry TraceMemory::read(const Chunk& chunk, size_t position) const {
  Packed packed;
  check(position + sizeof packed <= chunk.entries.size(), "an entry begins at {} of {}", position,
        chunk.entries.size());
  std::memcpy(&packed, chunk.entries.data() + position, sizeof packed);
  position += sizeof packed;
  TraceEntry entry;
  entry.kind = static_cast<SeenKind>(packed.kind);
  entry.at = WallTime(std::chrono::milliseconds(packed.at_ms));
  entry.instant = Instant(Duration(packed.instant_ns));
  entry.service = names_.name_of(packed.service);
  entry.peer = names_.name_of(packed.peer);
  entry.topic = names_.name_of(packed.topic);
  entry.queue = names_.name_of(packed.queue);
  entry.type = names_.name_of(packed.type);
  entry.outcome = names_.name_of(packed.outcome);
  entry.partition = packed.partition;
  entry.offset = packed.offset;
  entry.delivery = packed.delivery;
  entry.duration = Duration(packed.duration_ns);
  if (packed.has_due) entry.due = WallTime(std::chrono::milliseconds(packed.due_ms));
  entry.failed = packed.failed;
  for (auto text : {&TraceEntry::id, &TraceEntry::key, &TraceEntry::correlation_id, &TraceEntry::causation_id,
                    &TraceEntry::reason}) {
    entry.*text = get_text(chunk.entries, position);
  }
  for (size_t i = 0; i < packed.search_count; ++i) {
    entry.search.push_back(get_text(chunk.entries, position));
  }
  return entry;
}

namespace {

bool has_any_of(const TraceEntry& entry, const std::vector<std::string>& ids) {
  auto among = [&](const std::string& id) { return !id.empty() && std::ranges::find(ids, id) != ids.end(); };
  return among(entry.id) || among(entry.key) || among(entry.correlation_id) ||
         std::ranges::any_of(entry.search, among) ||
         (entry.offset >= 0 && among(TraceMemory::record_id(entry.topic, entry.partition, entry.offset)));
}

}  // namespace

TraceMemory::Found TraceMemory::find(const std::vector<std::string>& ids, size_t entries_max) const {
  Found found;
  std::vector<uint32_t> positions;
  for (const auto& chunk : chunks_) {
    positions.clear();
    for (const auto& id : ids) chunk->positions_of(hash_of(id), positions);
    std::ranges::sort(positions);
    positions.erase(std::unique(positions.begin(), positions.end()), positions.end());
    for (uint32_t position : positions) {
      TraceEntry entry = read(*chunk, position);
      if (!has_any_of(entry, ids)) continue;
      if (found.entries.size() == entries_max) {
        found.more = true;
        return found;
      }
      found.entries.push_back(std::move(entry));
    }
  }
  return found;
}

void TraceMemory::incomplete_until(WallTime at) { complete_since_ = std::max(complete_since_, at); }

size_t TraceMemory::bytes() const {
  return sealed_bytes_ + names_.bytes() +
         (chunks_.empty() || chunks_.back()->sealed ? 0 : chunks_.back()->bytes());
}

void TraceMemory::drop_oldest() {
  const Chunk& oldest = *chunks_.front();
  incomplete_until(oldest.newest);
  entries_ -= oldest.count;
  if (oldest.sealed) sealed_bytes_ -= oldest.bytes();
  chunks_.pop_front();
}

void TraceMemory::forget(WallTime now) {
  while (!chunks_.empty() && chunks_.front()->count > 0 &&
         now - chunks_.front()->newest > limits_.retention) {
    drop_oldest();
  }
}

}  // namespace pabal::flows
