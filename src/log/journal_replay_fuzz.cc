#include "base/fuzz.h"
#include "log/journal_replay.h"
#include "runtime/simulated_disk.h"

namespace pabal::log {
namespace {

constexpr uint64_t journal_id = 7;
constexpr size_t files = 3;
constexpr size_t slots = 4;
constexpr size_t file_bytes = slots * journal_alignment_bytes;
constexpr uint8_t numbers = 8;  // block numbers stay small, so that they meet

// The input places blocks: where, its numbers, how much of what, and which byte of it is broken.
void place_block(BytesView& input, std::array<Bytes, files>& images) {
  uint8_t where = take_byte(input);
  BlockNumbers of{journal_id, take_byte(input) % uint64_t{numbers}, take_byte(input) % uint64_t{numbers}};
  uint8_t payload = take_byte(input);
  uint8_t broken = take_byte(input);
  BlockBuilder builder;
  Bytes batch(size_t{payload} * 24, payload);
  builder.append({}, batch);
  Bytes block = joined(builder.finish(of));
  size_t position = where / files % slots * journal_alignment_bytes;
  Bytes& image = images[where % files];
  size_t count = std::min(block.size(), image.size() - position);
  std::ranges::copy(BytesView(block).first(count), image.begin() + static_cast<ptrdiff_t>(position));
  if (broken != 0) image[position + broken] ^= 1;
}

void check_report(const ReplayReport& report, const JournalPosition& from, uint64_t handed_out) {
  check(report.blocks == handed_out, "{} blocks reported, {} handed out", report.blocks, handed_out);
  check(report.next.lsn == from.lsn + handed_out, "after {} blocks from {} the next is {}", handed_out,
        from.lsn, report.next.lsn);
  check(!report.torn || !report.damage, "one block is both torn and damaged");
  check(!report.torn || report.torn->at.lsn == report.next.lsn, "block {} is torn, {} is next",
        report.torn ? report.torn->at.lsn : 0, report.next.lsn);
}

}  // namespace
}  // namespace pabal::log

PABAL_FUZZ(journal_replay) {
  using namespace pabal;
  log::JournalPosition from{.lsn = take_byte(input) % uint64_t{log::numbers}, .file = take_byte(input) % 4U};
  from.offset = take_byte(input) * uint64_t{1024};
  std::array<Bytes, log::files> images;
  for (Bytes& image : images) image.resize(log::file_bytes);
  for (int block = 0; block < 16 && !input.empty(); ++block) log::place_block(input, images);
  runtime::SimulatedDisk disk(1);
  check(disk.make_directories("/j").has_value(), "no directory");
  for (uint32_t number = 0; number < log::files; ++number) {
    auto file = disk.open(log::journal_file_path("/j", number), runtime::OpenMode::create);
    check(file && (*file)->write_at(0, images[number]), "no file");
  }
  uint64_t handed_out = 0;
  auto follow = [&](const log::BlockView& block, const log::JournalPosition& at) {
    check(at.lsn == block.lsn() && at.file < log::files, "block {} at {} of file {}", block.lsn(), at.offset,
          at.file);
    check(block.lsn() == from.lsn + handed_out, "block {} instead of {}", block.lsn(), from.lsn + handed_out);
    ++handed_out;
    return Result<void>();
  };
  auto report = log::replay_journal(disk, "/j", log::journal_id, from, follow);
  check(report.has_value(), "a disk without faults fails");
  log::check_report(*report, from, handed_out);
}
