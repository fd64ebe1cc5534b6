#include <filesystem>
#include <gtest/gtest.h>
#include <unistd.h>

#include "runtime/file_system.h"

namespace pabal::runtime {
namespace {

class SystemFileSystemTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "pabal-files-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(directory_); }

  [[nodiscard]] std::string path(const std::string& name) const { return directory_ + "/" + name; }

  std::string directory_;
  FileSystem& files_ = system_file_system();
};

std::string read_all(File& file) {
  Bytes bytes(*file.size());
  EXPECT_EQ(*file.read_at(0, bytes), bytes.size());
  return std::string(as_text(bytes));
}

TEST_F(SystemFileSystemTest, writes_and_reads_at_positions) {
  auto file = *files_.open(path("a"), OpenMode::create);
  ASSERT_TRUE(file->write_at(0, as_bytes("hello world")));
  ASSERT_TRUE(file->write_at(6, as_bytes("there")));
  ASSERT_TRUE(file->flush());
  EXPECT_EQ(read_all(*file), "hello there");
  Bytes out(100);
  EXPECT_EQ(file->read_at(6, out), 5u);
  EXPECT_EQ(file->read_at(100, out), 0u);
}

// More than one call of the system takes, and empty ones among them.
TEST_F(SystemFileSystemTest, writes_what_lies_in_many_pieces) {
  std::string text;
  for (int i = 0; i < 1000; ++i) text += std::to_string(i);
  std::vector<BytesView> pieces;
  for (size_t at = 0; at < text.size(); at += 3) {
    pieces.push_back(as_bytes(std::string_view(text).substr(at, 3)));
    if (at % 5 == 0) pieces.emplace_back();
  }
  auto file = *files_.open(path("a"), OpenMode::create);
  ASSERT_TRUE(file->write_at(0, as_bytes("head ")));
  ASSERT_TRUE(file->write_at(5, pieces));
  EXPECT_EQ(read_all(*file), "head " + text);
  EXPECT_TRUE(file->write_at(0, std::vector<BytesView>(300)));
  EXPECT_EQ(read_all(*file), "head " + text);
}

TEST_F(SystemFileSystemTest, resize_cuts_and_extends_with_zeros) {
  auto file = *files_.open(path("a"), OpenMode::create);
  ASSERT_TRUE(file->write_at(0, as_bytes("abc")));
  ASSERT_TRUE(file->resize(1));
  ASSERT_TRUE(file->resize(2));
  EXPECT_EQ(read_all(*file), std::string("a\0", 2));
}

TEST_F(SystemFileSystemTest, a_missing_file_is_not_found) {
  auto file = files_.open(path("none"), OpenMode::write);
  ASSERT_FALSE(file);
  EXPECT_EQ(file.error().code, ErrorCode::not_found);
  EXPECT_EQ(files_.exists(path("none")), false);
}

TEST_F(SystemFileSystemTest, lists_sorted_renames_and_removes) {
  ASSERT_TRUE(files_.make_directories(path("d/e")));
  for (const char* name : {"d/b", "d/a"}) ASSERT_TRUE(files_.open(path(name), OpenMode::create));
  EXPECT_EQ(*files_.list(path("d")), (std::vector<std::string>{"a", "b", "e"}));
  ASSERT_TRUE(files_.rename(path("d/a"), path("d/b")));
  ASSERT_TRUE(files_.flush_directory(path("d")));
  ASSERT_TRUE(files_.remove(path("d/b")));
  ASSERT_TRUE(files_.remove_all(path("d")));
  EXPECT_EQ(files_.exists(path("d")), false);
}

TEST_F(SystemFileSystemTest, a_second_lock_is_refused_with_the_holder) {
  auto lock = files_.lock(path("LOCK"));
  ASSERT_TRUE(lock);
  auto second = files_.lock(path("LOCK"));
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos)
      << second.error().message;
  lock->reset();
  EXPECT_TRUE(files_.lock(path("LOCK")));
}

TEST_F(SystemFileSystemTest, space_and_whole_flush) {
  EXPECT_GT(files_.space(directory_)->total_bytes, 0u);
  EXPECT_TRUE((*files_.open_volume(directory_))->flush());
}

TEST_F(SystemFileSystemTest, an_unwritable_place_is_an_error_with_its_path) {
  auto file = files_.open("/proc/nowhere/x", OpenMode::create);
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().message.find("/proc/nowhere/x"), std::string::npos);
}

}  // namespace
}  // namespace pabal::runtime
