#include "log/checkpoint.h"

#include "base/crc32c.h"
#include "base/logging.h"
#include "log/big_endian.h"
#include "runtime/replace_file.h"

namespace pabal::log {
namespace {

constexpr uint64_t checkpoint_magic = 0x504142414c435033;    // "PABALCP3"
constexpr uint64_t checkpoint_magic_2 = 0x504142414c435032;  // "PABALCP2"
constexpr uint64_t checkpoint_magic_1 = 0x504142414c435031;  // "PABALCP1"
constexpr size_t header_bytes = 20;
constexpr size_t checkpoint_bytes_max = 1_GiB;
constexpr size_t segment_entry_bytes_min = 40;
constexpr size_t log_entry_bytes_min = 16 + 4 + 8 + 8 + 4 + 4 + 8 + 8 + 4;
constexpr size_t text_entry_bytes_min = 4;

class Writer {
 public:
  explicit Writer(Bytes& out) : out_(out) {}

  template <class T>
  void number(T value) {
    size_t position = out_.size();
    out_.resize(position + sizeof value);
    store<T>(out_, position, value);
  }
  void text(std::string_view value) {
    number(static_cast<uint32_t>(value.size()));
    BytesView bytes = as_bytes(value);
    out_.insert(out_.end(), bytes.begin(), bytes.end());
  }
  void uuid(const Uuid& id) { out_.insert(out_.end(), id.bytes.begin(), id.bytes.end()); }
  void time(WallTime t) { number(int64_t{t.time_since_epoch().count()}); }

 private:
  Bytes& out_;
};

// Reads fields one after the other. Once the bytes have run out everything reads as zero, and ok() is false.
class Reader {
 public:
  explicit Reader(BytesView in) : in_(in) {}

  template <class T>
  T number() {
    if (!have(sizeof(T))) return T{};
    T value = load<T>(in_, 0);
    in_ = in_.subspan(sizeof(T));
    return value;
  }
  std::string text() {
    auto size = number<uint32_t>();
    if (!have(size)) return {};
    std::string value(as_text(in_.first(size)));
    in_ = in_.subspan(size);
    return value;
  }
  Uuid uuid() {
    Uuid id;
    if (!have(id.bytes.size())) return id;
    std::memcpy(id.bytes.data(), in_.data(), id.bytes.size());
    in_ = in_.subspan(id.bytes.size());
    return id;
  }
  WallTime time() { return WallTime(std::chrono::milliseconds(number<int64_t>())); }
  // A count of things of at least `each` bytes; so many must be left.
  uint32_t count(size_t each) {
    auto n = number<uint32_t>();
    return have(uint64_t{n} * each) ? n : 0;
  }
  void refuse() { ok_ = false; }
  [[nodiscard]] bool done() const { return ok_ && in_.empty(); }

 private:
  bool have(uint64_t bytes) { return ok_ = ok_ && bytes <= in_.size(); }

  BytesView in_;
  bool ok_ = true;
};

void write_segment(Writer& out, const SegmentState& segment) {
  out.number(segment.base.value());
  out.number(segment.next.value());
  out.number(segment.bytes);
  out.time(segment.last_append);
  out.time(segment.max_timestamp);
  out.number(segment.generation);
}

void write_log(Writer& out, const LogCheckpoint& log) {
  out.uuid(log.log.topic);
  out.number(log.log.partition.value());
  out.number(int64_t{log.settings.retention_time.count()});
  out.number(log.settings.retention_bytes);
  out.number(static_cast<uint8_t>(log.settings.compact));
  out.number(int64_t{log.settings.tombstones_kept.count()});
  out.number(static_cast<uint8_t>(log.settings.durability));
  out.text(log.settings.name);
  out.number(log.epoch.value());
  out.number(log.first.value());
  out.number(log.next.value());
  out.number(log.compacted.value());
  out.number(log.reserved.value());
  out.number(log.lost);
  out.number(static_cast<uint32_t>(log.segments.size()));
  for (const SegmentState& segment : log.segments) write_segment(out, segment);
}

// Which version of the file is read.
enum class Layout { first, second, current };

SegmentState read_segment(Reader& in, Layout layout) {
  SegmentState segment;
  segment.base = Offset(in.number<int64_t>());
  segment.next = Offset(in.number<int64_t>());
  segment.bytes = in.number<uint64_t>();
  segment.last_append = in.time();
  segment.max_timestamp = in.time();
  if (layout != Layout::first) segment.generation = in.number<uint32_t>();
  return segment;
}

Durability read_durability(Reader& in) {
  auto value = in.number<uint8_t>();
  if (value > static_cast<uint8_t>(Durability::memory)) in.refuse();
  return static_cast<Durability>(value);
}

LogCheckpoint read_log(Reader& in, Layout layout) {
  LogCheckpoint log;
  log.log.topic = in.uuid();
  log.log.partition = PartitionIndex(in.number<int32_t>());
  log.settings.retention_time = Duration(in.number<int64_t>());
  log.settings.retention_bytes = in.number<uint64_t>();
  if (layout != Layout::first) {
    log.settings.compact = in.number<uint8_t>() != 0;
    log.settings.tombstones_kept = Duration(in.number<int64_t>());
  }
  if (layout == Layout::current) log.settings.durability = read_durability(in);
  log.settings.name = in.text();
  log.epoch = LeaderEpoch(in.number<int32_t>());
  log.first = Offset(in.number<int64_t>());
  log.next = Offset(in.number<int64_t>());
  if (layout != Layout::first) log.compacted = Offset(in.number<int64_t>());
  if (layout == Layout::current) {
    log.reserved = Offset(in.number<int64_t>());
    log.lost = in.number<int64_t>();
  }
  uint32_t segments = in.count(segment_entry_bytes_min);
  log.segments.reserve(segments);
  for (uint32_t i = 0; i < segments; ++i) log.segments.push_back(read_segment(in, layout));
  return log;
}

// The first version wrote whole paths, and a directory may have been moved since.
std::string below_data_dir(std::string path) {
  size_t topics = path.rfind("/topics/");
  return topics == std::string::npos ? std::move(path) : path.substr(topics + 1);
}

std::string clean_path_in(const std::string& directory) { return directory + "/clean"; }
std::string clean_text(const JournalPosition& end) { return fmt::format("{}\n", end.lsn); }

}  // namespace

Bytes encode_checkpoint(const Checkpoint& checkpoint) {
  Bytes bytes(header_bytes);
  Writer out(bytes);
  out.number(checkpoint.journal_id);
  out.number(checkpoint.replay_from.lsn);
  out.number(checkpoint.replay_from.file);
  out.number(checkpoint.replay_from.offset);
  out.number(static_cast<uint32_t>(checkpoint.logs.size()));
  for (const LogCheckpoint& log : checkpoint.logs) write_log(out, log);
  out.number(static_cast<uint32_t>(checkpoint.removals.size()));
  for (const std::string& path : checkpoint.removals) out.text(path);
  store<uint64_t>(bytes, 0, checkpoint_magic);
  store<uint64_t>(bytes, 12, bytes.size() - header_bytes);
  store<uint32_t>(bytes, 8, crc32c(BytesView(bytes).subspan(12)));
  return bytes;
}

Result<Checkpoint> decode_checkpoint(BytesView bytes) {
  uint64_t magic = bytes.size() < header_bytes ? 0 : load<uint64_t>(bytes, 0);
  if (magic != checkpoint_magic && magic != checkpoint_magic_2 && magic != checkpoint_magic_1) {
    return error(ErrorCode::corrupt, "the checkpoint does not begin like one");
  }
  if (load<uint64_t>(bytes, 12) != bytes.size() - header_bytes ||
      load<uint32_t>(bytes, 8) != crc32c(bytes.subspan(12))) {
    return error(ErrorCode::corrupt, "the checkpoint's checksum does not agree with its {} bytes",
                 bytes.size());
  }
  Layout layout = magic == checkpoint_magic     ? Layout::current
                  : magic == checkpoint_magic_2 ? Layout::second
                                                : Layout::first;
  Reader in(bytes.subspan(header_bytes));
  Checkpoint checkpoint;
  checkpoint.journal_id = in.number<uint64_t>();
  checkpoint.replay_from.lsn = in.number<uint64_t>();
  checkpoint.replay_from.file = in.number<uint32_t>();
  checkpoint.replay_from.offset = in.number<uint64_t>();
  uint32_t logs = in.count(log_entry_bytes_min);
  checkpoint.logs.reserve(logs);
  for (uint32_t i = 0; i < logs; ++i) checkpoint.logs.push_back(read_log(in, layout));
  uint32_t removals = in.count(text_entry_bytes_min);
  for (uint32_t i = 0; i < removals; ++i) checkpoint.removals.push_back(below_data_dir(in.text()));
  if (!in.done()) return error(ErrorCode::corrupt, "the checkpoint's fields do not fill its bytes");
  return checkpoint;
}

std::array<std::string, 2> checkpoint_paths(const std::string& directory) {
  return {directory + "/checkpoint", directory + "/checkpoint.copy"};
}

Result<void> save_checkpoint(runtime::FileSystem& files, const std::string& directory,
                             const Checkpoint& checkpoint) {
  Bytes bytes = encode_checkpoint(checkpoint);
  for (const std::string& path : checkpoint_paths(directory)) {
    if (auto done = runtime::put_file(files, path, bytes); !done) return done;
  }
  return files.flush_directory(directory);
}

Result<Checkpoint> load_checkpoint_file(runtime::FileSystem& files, const std::string& path) {
  auto bytes = runtime::read_file(files, path, checkpoint_bytes_max);
  if (!bytes) return std::unexpected(bytes.error());
  auto checkpoint = decode_checkpoint(*bytes);
  if (checkpoint) return checkpoint;
  return error(checkpoint.error().code, "{}: {}", path, checkpoint.error().message);
}

Result<Checkpoint> load_checkpoint(runtime::FileSystem& files, const std::string& directory) {
  auto [path, copy_path] = checkpoint_paths(directory);
  auto first = load_checkpoint_file(files, path);
  if (first) return first;
  auto copy = load_checkpoint_file(files, copy_path);
  if (copy) {
    spdlog::error("log: {}; its copy is used", first.error().message);
    return copy;
  }
  if (copy.error().code == ErrorCode::not_found) return first;
  return error(ErrorCode::corrupt, "{}; its copy is no better: {}", first.error().message,
               copy.error().message);
}

Result<void> mark_clean(runtime::FileSystem& files, const std::string& directory,
                        const JournalPosition& end) {
  return runtime::replace_file(files, clean_path_in(directory), as_bytes(clean_text(end)));
}

Result<bool> take_clean_mark(runtime::FileSystem& files, const std::string& directory,
                             const JournalPosition& end) {
  auto mark = runtime::read_file(files, clean_path_in(directory), 64);
  if (!mark && mark.error().code == ErrorCode::not_found) return false;
  bool stands = mark && as_text(*mark) == clean_text(end);
  if (auto done = files.remove(clean_path_in(directory)); !done) return std::unexpected(done.error());
  if (auto done = files.flush_directory(directory); !done) return std::unexpected(done.error());
  return stands;
}

}  // namespace pabal::log
