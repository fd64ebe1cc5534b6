#include <limits>

#include "base/fuzz.h"
#include "base/logging.h"
#include "engine/examine.h"
#include "engine/recovery.h"
#include "log/checkpoint.h"
#include "log/journal_format.h"
#include "log/record_batch.h"
#include "runtime/replace_file.h"
#include "runtime/simulated_disk.h"
#include "runtime/simulated_shards.h"

// A data directory that the input describes: mostly small numbers, so that its checkpoint, journal and
// segments meet often, and now and then one from the far end. Every checksum is right, so that all the rest
// is looked at.

namespace pabal::engine {
namespace {

constexpr uint64_t journal_id = 7;
constexpr size_t journal_slots = 4;
constexpr size_t journal_file_bytes = journal_slots * log::journal_alignment_bytes;
const std::string data_dir = "/data";

int64_t take_number(BytesView& input) {
  static constexpr auto far =
      std::to_array<int64_t>({-1, std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max(),
                              std::numeric_limits<int32_t>::max(), int64_t{1} << 40});
  uint8_t byte = take_byte(input);
  constexpr size_t near = 256 - far.size();
  return byte < near ? byte % 32 : far[byte - near];
}

LogId take_log(BytesView& input) {
  uint8_t byte = take_byte(input);
  return {.topic = {.bytes = {static_cast<uint8_t>(byte % 4)}}, .partition = PartitionIndex(byte / 4 % 2)};
}

Bytes take_batch(BytesView& input) {
  log::BatchBuilder builder;
  Offset base(take_number(input));
  int count = 1 + take_byte(input) % 4;
  std::string value(take_byte(input), 'v');
  for (int i = 0; i < count; ++i) builder.add({.value = as_bytes(value)});
  Bytes batch = builder.finish();
  log::set_base_offset(batch, base);
  return batch;
}

class Directory {
 public:
  explicit Directory(BytesView& input) : input_(input) {
    for (const char* name : {"/journal", "/topics"}) write(disk_.make_directories(data_dir + name));
    write(runtime::replace_file(disk_, data_dir + "/VERSION", as_bytes(std::string_view("1\n"))));
    log::JournalPosition end = add_checkpoint();
    // A clean mark says that no block follows: then there is none.
    if (take_byte(input_) % 8 == 1) {
      write(log::mark_clean(disk_, data_dir, end));
      input_ = {};
    }
    add_journal();
  }
  [[nodiscard]] runtime::SimulatedDisk& disk() { return disk_; }

 private:
  static void write(const Result<void>& done) { check(done.has_value(), "a disk without faults fails"); }

  log::JournalPosition add_checkpoint() {
    log::Checkpoint checkpoint{.journal_id = journal_id};
    checkpoint.replay_from = {.lsn = static_cast<uint64_t>(take_number(input_)),
                              .file = take_byte(input_) % 4U,
                              .offset = take_byte(input_) % 5U * log::journal_alignment_bytes};
    for (int left = take_byte(input_) % 4; left > 0; --left) checkpoint.logs.push_back(take_checkpointed());
    write(log::save_checkpoint(disk_, data_dir, checkpoint));
    return checkpoint.replay_from;
  }

  log::LogCheckpoint take_checkpointed() {
    log::LogCheckpoint log{.log = take_log(input_), .settings = {.name = "t"}};
    log.settings.retention_time = Duration(take_number(input_));
    log.settings.retention_bytes = static_cast<uint64_t>(take_number(input_));
    log.first = Offset(take_number(input_));
    log.next = Offset(take_number(input_));
    uint8_t segments = take_byte(input_);
    log.settings.compact = (segments & 4) != 0;
    if ((segments & 8) != 0) log.compacted = log.next;
    for (int left = segments % 4; left > 0; --left) log.segments.push_back(take_segment(log.log));
    return log;
  }

  // What the checkpoint says of a segment, and the file that is there.
  log::SegmentState take_segment(const LogId& log) {
    log::SegmentState state{.base = Offset(take_number(input_)), .next = Offset(take_number(input_))};
    std::string directory = fmt::format("{}/topics/{}/{}", data_dir, log.topic, log.partition);
    write(disk_.make_directories(directory));
    Bytes bytes;
    uint8_t batches = take_byte(input_);
    state.generation = batches / 4U % 2;
    for (int left = batches % 4; left > 0; --left) {
      Bytes batch = take_batch(input_);
      bytes.insert(bytes.end(), batch.begin(), batch.end());
    }
    uint8_t broken = take_byte(input_);
    if (broken != 0 && broken < bytes.size()) bytes[broken] ^= 1;
    auto file = disk_.open(log::segment_path(directory, state), runtime::OpenMode::create);
    write((*file)->write_at(0, bytes));
    state.bytes = bytes.size() + static_cast<uint64_t>(take_number(input_));
    if (take_byte(input_) % 4 != 1) state.bytes = bytes.size();
    return state;
  }

  void add_journal() {
    std::array<Bytes, 2> images;
    for (Bytes& image : images) image.resize(journal_file_bytes);
    while (!input_.empty()) place_block(images);
    for (uint32_t number = 0; number < images.size(); ++number) {
      auto file =
          disk_.open(log::journal_file_path(data_dir + "/journal", number), runtime::OpenMode::create);
      write((*file)->write_at(0, images[number]));
    }
  }

  void place_block(std::array<Bytes, 2>& images) {
    uint8_t where = take_byte(input_);
    log::BlockNumbers numbers{journal_id, static_cast<uint64_t>(take_number(input_)),
                              static_cast<uint64_t>(take_number(input_))};
    log::BlockBuilder builder;
    for (int left = 1 + take_byte(input_) % 4; left > 0; --left) add_entry(builder);
    Bytes block = joined(builder.finish(numbers));
    size_t position = where / 2 % journal_slots * log::journal_alignment_bytes;
    Bytes& image = images[where % 2];
    std::ranges::copy(BytesView(block).first(std::min(block.size(), image.size() - position)),
                      image.begin() + static_cast<ptrdiff_t>(position));
  }

  void add_entry(log::BlockBuilder& builder) {
    uint8_t kind = take_byte(input_) % 8;
    LogId log = take_log(input_);
    if (kind == 0) return builder.remove(log);
    if (kind == 1) return builder.trim(log, Offset(take_number(input_)));
    if (kind < 4) {
      LogSettings settings{.name = "t", .retention_bytes = static_cast<uint64_t>(take_number(input_))};
      settings.compact = kind == 3;
      return builder.create(log, settings);
    }
    builder.append(log, take_batch(input_));
  }

  BytesView& input_;
  runtime::SimulatedDisk disk_{1};
};

EmbeddedOptions options_for(runtime::Shards& shards, runtime::FileSystem& files) {
  EmbeddedOptions options{.data_dir = data_dir, .shards = &shards, .files = &files};
  options.limits.journal = {
      .file_bytes = journal_file_bytes, .first_file_bytes = journal_file_bytes, .files_max = 2};
  options.limits.segments.segment_bytes = 2_KiB;
  options.limits.write_round_bytes = 4_KiB;
  return options;
}

}  // namespace
}  // namespace pabal::engine

PABAL_FUZZ(recovery) {
  using namespace pabal;
  spdlog::set_level(spdlog::level::off);  // a damaged directory is told each time
  engine::Directory directory(input);
  static_cast<void>(engine::examine(directory.disk(), engine::data_dir));
  runtime::SimulatedLoop loop(1);
  runtime::SimulatedShards shards(loop, 1);
  engine::EmbeddedOptions options = engine::options_for(shards, directory.disk());
  if (!engine::recover(options)) return;
  auto again = engine::recover(options);
  check(again.has_value(), "what was recovered cannot be opened again: {}",
        again ? "" : again.error().message);
}
