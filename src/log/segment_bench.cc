#include <benchmark/benchmark.h>
#include <filesystem>
#include <string>
#include <unistd.h>

#include "base/check.h"
#include "log/segmented_log.h"

namespace pabal::log {
namespace {

constexpr int64_t records_per_batch = 16;
constexpr size_t value_bytes = 1000;

WallTime ms(int64_t n) { return WallTime(std::chrono::milliseconds(n)); }

// A log of one closed segment of so many bytes, in the page cache; record n has the timestamp n.
class FilledLog {
 public:
  FilledLog(uint64_t bytes, bool has_side_file)
      : directory_(std::filesystem::temp_directory_path() / fmt::format("pabal-segment-bench-{}", getpid())),
        limits_{.segment_bytes = bytes} {
    std::filesystem::remove_all(directory_);
    FileCache files(runtime::system_file_system());
    SegmentedLog log(files, path(), {}, limits_);
    while (log.states().size() < 2) check(log.append(batches(log.next()), ms(1)).has_value(), "no append");
    state_ = {.next = log.next(), .segments = log.states()};
    if (has_side_file) log.save_indexes(false);
  }
  ~FilledLog() { std::filesystem::remove_all(directory_); }
  FilledLog(const FilledLog&) = delete;
  FilledLog& operator=(const FilledLog&) = delete;

  // As a new process sees it.
  [[nodiscard]] SegmentedLog opened(FileCache& files) const {
    return SegmentedLog(files, path(), state_, limits_);
  }
  [[nodiscard]] Offset last() const { return state_.segments.front().next - 1; }

 private:
  [[nodiscard]] std::string path() const { return directory_ / "topics/t/0"; }
  static std::vector<SharedBytes> batches(Offset next) {
    std::vector<SharedBytes> all;
    std::string value(value_bytes, 'v');
    for (int i = 0; i < 64; ++i) {
      BatchBuilder builder;
      for (int64_t r = 0; r < records_per_batch; ++r)
        builder.add({.value = as_bytes(value), .timestamp = ms(next.value() + r)});
      Bytes batch = builder.finish();
      set_base_offset(batch, next);
      next = next + records_per_batch;
      all.emplace_back(std::move(batch));
    }
    return all;
  }

  std::filesystem::path directory_;
  SegmentLimits limits_;
  LogCheckpoint state_;
};

void first_read_after_restart(benchmark::State& state) {
  FilledLog filled(static_cast<uint64_t>(state.range(0)) << 20, state.range(1) != 0);
  for (auto _ : state) {
    FileCache files(runtime::system_file_system());
    SegmentedLog log = filled.opened(files);
    check(log.read(filled.last(), 1).has_value(), "no read");
  }
  state.SetLabel(state.range(1) != 0 ? "aims at 1 ms" : "without the side file");
}
BENCHMARK(first_read_after_restart)
    ->ArgNames({"MiB", "side_file"})
    ->ArgsProduct({{128, 1024}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);

void first_find_time_after_restart(benchmark::State& state) {
  FilledLog filled(static_cast<uint64_t>(state.range(0)) << 20, state.range(1) != 0);
  for (auto _ : state) {
    FileCache files(runtime::system_file_system());
    SegmentedLog log = filled.opened(files);
    auto found = log.find_time(ms(filled.last().value()), Offset());
    check(found && *found == filled.last(), "not found");
  }
  state.SetLabel(state.range(1) != 0 ? "aims at 1 ms" : "without the side file");
}
BENCHMARK(first_find_time_after_restart)
    ->ArgNames({"MiB", "side_file"})
    ->ArgsProduct({{128, 1024}, {0, 1}})
    ->Unit(benchmark::kMicrosecond);

}  // namespace
}  // namespace pabal::log
