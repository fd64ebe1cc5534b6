#include "runtime/simulated_disk.h"

#include <gtest/gtest.h>

namespace pabal::runtime {
namespace {

constexpr int seeds = 300;

std::string text_of(SimulatedDisk& disk, const std::string& path) {
  auto file = disk.open(path, OpenMode::read);
  if (!file) return "missing";
  Bytes bytes(*(*file)->size());
  EXPECT_EQ((*file)->read_at(0, bytes), bytes.size());
  return std::string(as_text(bytes));
}

// What `path` may hold after power was lost, over many seeds, when `prepare` ran before.
std::set<std::string> outcomes(const std::string& path, const std::function<void(SimulatedDisk&)>& prepare) {
  std::set<std::string> seen;
  for (int seed = 1; seed <= seeds; ++seed) {
    SimulatedDisk disk(static_cast<uint64_t>(seed));
    prepare(disk);
    disk.restart_after_power_loss();
    seen.insert(text_of(disk, path));
  }
  return seen;
}

void write(SimulatedDisk& disk, const std::string& path, const std::string& text, uint64_t position = 0) {
  auto file = disk.open(path, OpenMode::create);
  ASSERT_TRUE(file && (*file)->write_at(position, as_bytes(text)));
}
void flush(SimulatedDisk& disk, const std::string& path) {
  ASSERT_TRUE((*disk.open(path, OpenMode::write))->flush());
}

TEST(SimulatedDisk, what_is_flushed_with_its_name_is_always_there) {
  EXPECT_EQ(outcomes("/a",
                     [](SimulatedDisk& disk) {
                       write(disk, "/a", "safe");
                       flush(disk, "/a");
                       ASSERT_TRUE(disk.flush_directory("/"));
                     }),
            std::set<std::string>{"safe"});
}

TEST(SimulatedDisk, a_name_that_was_not_flushed_may_be_missing) {
  EXPECT_EQ(outcomes("/a",
                     [](SimulatedDisk& disk) {
                       write(disk, "/a", "x");
                       flush(disk, "/a");
                     }),
            (std::set<std::string>{"x", "missing"}));
}

TEST(SimulatedDisk, bytes_that_were_not_flushed_may_be_there_gone_or_a_length_without_them) {
  auto seen = outcomes("/a", [](SimulatedDisk& disk) {
    write(disk, "/a", "old");
    flush(disk, "/a");
    ASSERT_TRUE(disk.flush_directory("/"));
    write(disk, "/a", "new", 3);
  });
  EXPECT_TRUE(seen.contains("old"));
  EXPECT_TRUE(seen.contains("oldnew"));
  EXPECT_TRUE(seen.contains(std::string("old\0\0\0", 6)));
}

TEST(SimulatedDisk, a_large_write_may_be_torn_and_a_later_one_may_survive_alone) {
  auto seen = outcomes("/a", [](SimulatedDisk& disk) {
    write(disk, "/a", std::string(2048, '.'));
    flush(disk, "/a");
    ASSERT_TRUE(disk.flush_directory("/"));
    write(disk, "/a", std::string(1024, '1'));
    write(disk, "/a", std::string(512, '2'), 1024);
  });
  auto has = [&](const std::string& text) {
    return seen.contains(text + std::string(2048 - text.size(), '.'));
  };
  EXPECT_TRUE(has(std::string(1024, '1')));                          // a prefix
  EXPECT_TRUE(has(std::string(1024, '.') + std::string(512, '2')));  // a suffix
  EXPECT_TRUE(has(std::string(512, '.') + std::string(512, '1')));   // a piece
}

TEST(SimulatedDisk, a_rename_that_was_not_flushed_leaves_the_old_or_the_new_file) {
  auto seen = outcomes("/a", [](SimulatedDisk& disk) {
    write(disk, "/a", "old");
    write(disk, "/b", "new");
    flush(disk, "/a");
    flush(disk, "/b");
    ASSERT_TRUE(disk.flush_directory("/"));
    ASSERT_TRUE(disk.rename("/b", "/a"));
  });
  EXPECT_EQ(seen, (std::set<std::string>{"old", "new"}));
}

TEST(SimulatedDisk, after_a_failed_flush_a_good_one_proves_nothing) {
  auto seen = outcomes("/a", [](SimulatedDisk& disk) {
    write(disk, "/a", "old");
    flush(disk, "/a");
    ASSERT_TRUE(disk.flush_directory("/"));
    write(disk, "/a", "new");
    disk.fail_after(0);
    auto file = disk.open("/a", OpenMode::write);
    EXPECT_FALSE((*file)->flush());
    EXPECT_EQ(text_of(disk, "/a"), "new");
    EXPECT_TRUE((*file)->flush());
  });
  EXPECT_TRUE(seen.contains("old"));
}

TEST(SimulatedDisk, a_kill_loses_nothing_that_was_written) {
  SimulatedDisk disk(1);
  write(disk, "/a", "x");
  auto lock = disk.lock("/LOCK");
  EXPECT_FALSE(disk.lock("/LOCK"));
  disk.restart_after_kill();
  EXPECT_EQ(text_of(disk, "/a"), "x");
  EXPECT_TRUE(disk.lock("/LOCK"));
}

TEST(SimulatedDisk, without_power_every_call_fails_until_the_restart) {
  SimulatedDisk disk(1);
  auto file = *disk.open("/a", OpenMode::create);
  disk.lose_power_after(1);
  EXPECT_TRUE(file->write_at(0, as_bytes("x")));
  EXPECT_FALSE(file->flush());
  EXPECT_TRUE(disk.power_lost());
  EXPECT_FALSE(disk.exists("/a"));
  disk.restart_after_power_loss();
  EXPECT_TRUE(disk.exists("/a"));
  EXPECT_FALSE(file->size());  // opened before
}

TEST(SimulatedDisk, a_full_disk_takes_a_part_and_says_so) {
  SimulatedDisk disk(1);
  write(disk, "/a", "12345");
  disk.fill_up(3);
  auto file = *disk.open("/a", OpenMode::write);
  EXPECT_TRUE(file->write_at(0, as_bytes("54321")));  // needs no more room
  auto done = file->write_at(5, as_bytes("67890"));
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::disk_full);
  EXPECT_LE(*file->size(), 8u);
  EXPECT_LE(disk.space("/")->free_bytes, 3u);
  disk.set_capacity(1_MiB);
  EXPECT_TRUE(file->write_at(5, as_bytes("67890")));
}

}  // namespace
}  // namespace pabal::runtime
