#include "log/journal_format.h"

#include <array>

#include "base/check.h"
#include "base/crc32c.h"
#include "log/big_endian.h"

namespace pabal::log {
namespace {

namespace at {
constexpr size_t magic = 0;
constexpr size_t crc = 8;
constexpr size_t payload_bytes = 12;
constexpr size_t journal_id = 16;
constexpr size_t lsn = 24;
constexpr size_t flushed_lsn = 32;
constexpr size_t entry_count = 40;
}  // namespace at

constexpr uint64_t block_magic = 0x504142414c4a4e31;  // "PABALJN1"
constexpr size_t reserve_body_bytes = journal_reserve_bytes - journal_entry_header_bytes;
constexpr size_t kept_buffer_bytes_max = 8_MiB;
constexpr std::array<uint8_t, journal_alignment_bytes> padding{};

// What stands before the name.
size_t create_head_bytes(EntryKind kind) {
  if (kind == EntryKind::create_unflushed) return 26;
  return kind == EntryKind::create_compacted ? 24 : 16;
}

Result<JournalEntry> malformed(std::string_view what) {
  return error(ErrorCode::corrupt, "a journal entry has {}", what);
}

// The settings of a create entry of any of the three kinds.
Result<JournalEntry> parse_create(JournalEntry entry, EntryKind kind, BytesView body) {
  if (body.size() < create_head_bytes(kind)) return malformed("settings that are cut short");
  entry.settings.retention_time = Duration(load<int64_t>(body, 0));
  entry.settings.retention_bytes = load<uint64_t>(body, 8);
  entry.settings.compact = kind == EntryKind::create_compacted;
  if (kind != EntryKind::create) entry.settings.tombstones_kept = Duration(load<int64_t>(body, 16));
  if (kind == EntryKind::create_unflushed) {
    if (body[25] > static_cast<uint8_t>(Durability::memory)) return malformed("an unknown durability");
    entry.settings.compact = body[24] != 0;
    entry.settings.durability = static_cast<Durability>(body[25]);
  }
  entry.settings.name = std::string(as_text(body.subspan(create_head_bytes(kind))));
  entry.kind = EntryKind::create;
  return entry;
}

Result<JournalEntry> parse_body(JournalEntry entry, uint8_t kind, BytesView body) {
  switch (static_cast<EntryKind>(kind)) {
    case EntryKind::append:
      entry.batch = body;
      break;
    case EntryKind::create:
    case EntryKind::create_compacted:
    case EntryKind::create_unflushed:
      return parse_create(std::move(entry), static_cast<EntryKind>(kind), body);
    case EntryKind::trim:
      if (body.size() != sizeof(int64_t)) return malformed("no first offset");
      entry.first = Offset(load<int64_t>(body, 0));
      break;
    case EntryKind::remove:
      break;
    case EntryKind::reserve:
      if (body.size() != reserve_body_bytes) return malformed("a reservation of another size");
      entry.reserve = {Offset(load<int64_t>(body, 0)), Offset(load<int64_t>(body, 8)),
                       LeaderEpoch(load<int32_t>(body, 16))};
      if (entry.reserve.from < Offset(0) || entry.reserve.up_to < entry.reserve.from)
        return malformed("a reservation that ends before it begins");
      break;
    default:
      return malformed(fmt::format("the unknown kind {}", kind));
  }
  entry.kind = static_cast<EntryKind>(kind);
  return entry;
}

// Takes one entry from the front of `rest`.
Result<JournalEntry> take_entry(BytesView& rest) {
  if (rest.size() < journal_entry_header_bytes) return malformed("its header cut short");
  JournalEntry entry;
  std::memcpy(entry.log.topic.bytes.data(), rest.data() + 1, 16);
  entry.log.partition = PartitionIndex(load<int32_t>(rest, 17));
  size_t body_bytes = load<uint32_t>(rest, 21);
  if (body_bytes > rest.size() - journal_entry_header_bytes) return malformed("its body cut short");
  auto parsed = parse_body(std::move(entry), rest[0], rest.subspan(journal_entry_header_bytes, body_bytes));
  rest = rest.subspan(journal_entry_header_bytes + body_bytes);
  return parsed;
}

}  // namespace

template <class T>
void BlockBuilder::number(T value) {
  size_t position = bytes_.size();
  bytes_.resize(position + sizeof value);
  store<T>(bytes_, position, value);
}

void BlockBuilder::header(EntryKind kind, const LogId& log, size_t body_bytes) {
  bytes_.push_back(static_cast<uint8_t>(kind));
  bytes_.insert(bytes_.end(), log.topic.bytes.begin(), log.topic.bytes.end());
  number(log.partition.value());
  number(static_cast<uint32_t>(body_bytes));
  ++entry_count_;
}

void BlockBuilder::append(const LogId& log, BytesView batch) {
  header(EntryKind::append, log, batch.size());
  if (batch.size() < borrowed_bytes_min) {
    bytes_.insert(bytes_.end(), batch.begin(), batch.end());
    return;
  }
  borrowed_.push_back({bytes_.size(), batch});
  borrowed_bytes_ += batch.size();
}

void BlockBuilder::create(const LogId& log, const LogSettings& settings) {
  EntryKind kind = settings.compact ? EntryKind::create_compacted : EntryKind::create;
  if (settings.durability != Durability::flushed) kind = EntryKind::create_unflushed;
  header(kind, log, create_head_bytes(kind) + settings.name.size());
  number(int64_t{settings.retention_time.count()});
  number(settings.retention_bytes);
  if (kind != EntryKind::create) number(int64_t{settings.tombstones_kept.count()});
  if (kind == EntryKind::create_unflushed) {
    number(static_cast<uint8_t>(settings.compact));
    number(static_cast<uint8_t>(settings.durability));
  }
  BytesView name = as_bytes(settings.name);
  bytes_.insert(bytes_.end(), name.begin(), name.end());
}

void BlockBuilder::reserve(const LogId& log, const Reservation& reservation) {
  header(EntryKind::reserve, log, reserve_body_bytes);
  number(reservation.from.value());
  number(reservation.up_to.value());
  number(reservation.epoch.value());
}

void BlockBuilder::trim(const LogId& log, Offset first) {
  header(EntryKind::trim, log, sizeof(int64_t));
  number(first.value());
}

void BlockBuilder::remove(const LogId& log) { header(EntryKind::remove, log, 0); }

std::span<const BytesView> BlockBuilder::finish(const BlockNumbers& numbers) {
  size_t end = size();
  check(end <= UINT32_MAX, "a journal block of {} bytes", end);
  store<uint64_t>(bytes_, at::magic, block_magic);
  store<uint32_t>(bytes_, at::payload_bytes, static_cast<uint32_t>(end - journal_block_header_bytes));
  store<uint64_t>(bytes_, at::journal_id, numbers.journal_id);
  store<uint64_t>(bytes_, at::lsn, numbers.lsn);
  store<uint64_t>(bytes_, at::flushed_lsn, numbers.flushed_lsn);
  store<uint32_t>(bytes_, at::entry_count, entry_count_);
  pieces_.clear();
  size_t from = 0;
  for (const Borrowed& borrowed : borrowed_) {
    pieces_.push_back(BytesView(bytes_).subspan(from, borrowed.before - from));
    pieces_.push_back(borrowed.batch);
    from = borrowed.before;
  }
  pieces_.push_back(BytesView(bytes_).subspan(from));
  store<uint32_t>(bytes_, at::crc, checksum());
  pieces_.push_back(BytesView(padding).first(journal_aligned(end) - end));
  return pieces_;
}

uint32_t BlockBuilder::checksum() const {
  uint32_t sum = crc32c(pieces_.front().subspan(at::payload_bytes));
  for (BytesView piece : std::span(pieces_).subspan(1)) sum = crc32c(piece, sum);
  return sum;
}

void BlockBuilder::clear() {
  if (bytes_.capacity() > kept_buffer_bytes_max) bytes_ = Bytes();
  bytes_.assign(journal_block_header_bytes, 0);
  borrowed_.clear();
  borrowed_bytes_ = 0;
  pieces_.clear();
  entry_count_ = 0;
}

std::optional<BlockClaim> claimed_block(BytesView bytes, uint64_t journal_id) {
  if (bytes.size() < journal_block_header_bytes || load<uint64_t>(bytes, at::magic) != block_magic ||
      load<uint64_t>(bytes, at::journal_id) != journal_id) {
    return std::nullopt;
  }
  return BlockClaim{load<uint64_t>(bytes, at::lsn),
                    journal_block_header_bytes + load<uint32_t>(bytes, at::payload_bytes)};
}

Result<BlockView> BlockView::parse(BytesView bytes, uint64_t journal_id) {
  auto claim = claimed_block(bytes, journal_id);
  if (!claim) return error(ErrorCode::corrupt, "no journal block begins here");
  if (claim->block_bytes > bytes.size()) {
    return error(ErrorCode::corrupt, "journal block {} says it has {} bytes; {} are there", claim->lsn,
                 claim->block_bytes, bytes.size());
  }
  bytes = bytes.first(claim->block_bytes);
  uint32_t stored = load<uint32_t>(bytes, at::crc);
  uint32_t computed = crc32c(bytes.subspan(at::payload_bytes));
  if (stored != computed) {
    return error(ErrorCode::corrupt, "CRC-32C of journal block {} is {:08x}; its bytes give {:08x}",
                 claim->lsn, stored, computed);
  }
  return BlockView(bytes);
}

uint64_t BlockView::lsn() const { return load<uint64_t>(bytes_, at::lsn); }
uint64_t BlockView::flushed_lsn() const { return load<uint64_t>(bytes_, at::flushed_lsn); }
uint32_t BlockView::entry_count() const { return load<uint32_t>(bytes_, at::entry_count); }

Result<void> BlockView::for_each(const std::function<Result<void>(const JournalEntry&)>& each) const {
  BytesView rest = bytes_.subspan(journal_block_header_bytes);
  for (uint32_t i = 0; i < entry_count(); ++i) {
    auto entry = take_entry(rest);
    if (!entry) return std::unexpected(entry.error());
    if (auto done = each(*entry); !done) return done;
  }
  if (rest.empty()) return {};
  return error(ErrorCode::corrupt, "{} bytes follow the last entry of journal block {}", rest.size(), lsn());
}

}  // namespace pabal::log
