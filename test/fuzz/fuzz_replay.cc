// Every file of test/fuzz/corpus/<target>/ through its target: seeds, and what fuzzing has found and was
// mended. A target that crashes takes the program with it; the last line then names the file.

#include <csignal>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <gtest/gtest.h>
#include <iterator>
#include <unistd.h>

#include "base/fuzz.h"

namespace pabal {
namespace {

namespace fs = std::filesystem;

std::string current;  // the file that is being replayed, for the handler below

extern "C" void say_what_failed(int signal) {
  static constexpr std::string_view text = "while replaying ";
  [[maybe_unused]] auto written = write(STDERR_FILENO, text.data(), text.size());
  written = write(STDERR_FILENO, current.data(), current.size());
  written = write(STDERR_FILENO, "\n", 1);
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

Bytes read_whole(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
}

std::vector<fs::path> files_in(const fs::path& directory) {
  std::vector<fs::path> paths;
  std::error_code failed;
  for (const auto& entry : fs::directory_iterator(directory, failed)) paths.push_back(entry.path());
  std::ranges::sort(paths);
  return paths;
}

class FuzzReplay : public testing::TestWithParam<FuzzTarget> {};

TEST_P(FuzzReplay, SurvivesItsCorpus) {
  std::signal(SIGABRT, say_what_failed);
  std::signal(SIGSEGV, say_what_failed);
  fs::path directory = fs::path(PABAL_FUZZ_CORPUS) / GetParam().name;
  auto paths = files_in(directory);
  ASSERT_FALSE(paths.empty()) << directory << " holds no file: a target without a corpus tests nothing here";
  for (const fs::path& path : paths) {
    current = path.string();
    GetParam().run(read_whole(path));
  }
  GetParam().run({});
  RecordProperty("inputs", static_cast<int>(paths.size()));
}

INSTANTIATE_TEST_SUITE_P(Corpus, FuzzReplay, testing::ValuesIn(fuzz_targets()),
                         [](const auto& info) { return std::string(info.param.name); });

TEST(FuzzCorpus, BelongsToTargets) {
  for (const fs::path& path : files_in(PABAL_FUZZ_CORPUS)) {
    auto is_it = [&](const FuzzTarget& target) { return path.filename() == target.name; };
    EXPECT_TRUE(std::ranges::any_of(fuzz_targets(), is_it))
        << path << " belongs to no target and is never replayed";
  }
}

}  // namespace
}  // namespace pabal
