#include "relay/database.h"

#include <filesystem>
#include <fstream>
#include <future>
#include <gmock/gmock.h>
#include <limits>
#include <unistd.h>

namespace pabal::relay {
namespace {

class DatabaseTest : public testing::Test {
 protected:
  DatabaseTest() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    database_ = Database::open(file_).value();
    run("CREATE TABLE t(id INTEGER PRIMARY KEY, name TEXT UNIQUE, price REAL)");
  }
  ~DatabaseTest() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  template <class... Args>
  Result<Rows> run(std::string_view sql, const Args&... args) {
    Rows rows;
    auto done = database_->write([&](Transaction& tx) -> Result<void> {
      auto got = tx.run(sql, args...);
      if (!got) return std::unexpected(got.error());
      rows = std::move(*got);
      return {};
    });
    if (!done) return std::unexpected(done.error());
    return rows;
  }

  int64_t count() { return run("SELECT count(*) FROM t").value().rows.at(0).integer(0); }

  std::string directory_ = testing::TempDir() + "pabal_database_test_" + std::to_string(::getpid());
  std::string file_ = directory_ + "/test.db";
  std::unique_ptr<Database> database_;
};

TEST_F(DatabaseTest, keeps_values_as_they_are) {
  std::string binary("a\0b\xff", 4);
  EXPECT_EQ(run("INSERT INTO t VALUES(?, ?, ?)", int64_t{1} << 60, binary, 2.5).value().changed, 1);
  EXPECT_EQ(run("INSERT INTO t VALUES(?, ?, ?)", 2, std::optional<std::string>(), nullptr).value().changed,
            1);
  Rows rows = run("SELECT id, name, price FROM t ORDER BY id DESC").value();
  ASSERT_EQ(rows.rows.size(), 2U);
  EXPECT_EQ(rows.rows[0].integer(0), int64_t{1} << 60);
  EXPECT_EQ(rows.rows[0].text(1), binary);
  EXPECT_EQ(rows.rows[0].real(2), 2.5);
  EXPECT_EQ(rows.rows[0].text(2), "2.5");
  EXPECT_TRUE(rows.rows[1].is_null(1));
  EXPECT_EQ(rows.rows[1].text(1), "");
}

TEST_F(DatabaseTest, undoes_what_does_not_succeed) {
  auto done = database_->write([](Transaction& tx) -> Result<void> {
    (void)tx.run("INSERT INTO t(name) VALUES('a')");
    return error(ErrorCode::unavailable, "changed my mind");
  });
  EXPECT_EQ(done.error().message, "changed my mind");
  EXPECT_EQ(count(), 0);
}

TEST_F(DatabaseTest, tells_errors_apart_by_code) {
  ASSERT_TRUE(run("INSERT INTO t(name) VALUES('a')"));
  EXPECT_EQ(run("INSERT INTO t(name) VALUES('a')").error().code, ErrorCode::conflict);
  EXPECT_EQ(run("INSERT INTO nowhere VALUES(1)").error().code, ErrorCode::invalid);
  EXPECT_EQ(run("SELECT 1; SELECT 2").error().code, ErrorCode::invalid);
  EXPECT_EQ(run("SELECT ?").error().code, ErrorCode::invalid);
  EXPECT_EQ(run("").error().code, ErrorCode::invalid);
  auto writes = database_->read([](Transaction& tx) -> Result<void> {
    auto done = tx.run("INSERT INTO t(name) VALUES('b')");
    if (!done) return std::unexpected(done.error());
    return {};
  });
  EXPECT_EQ(writes.error().code, ErrorCode::read_only);
}

TEST_F(DatabaseTest, goes_on_after_a_conflict_within_the_transaction) {
  auto done = database_->write([](Transaction& tx) -> Result<void> {
    (void)tx.run("INSERT INTO t(name) VALUES('a')");
    EXPECT_EQ(tx.run("INSERT INTO t(name) VALUES('a')").error().code, ErrorCode::conflict);
    EXPECT_TRUE(tx.run("INSERT INTO t(name) VALUES('b')"));
    return {};
  });
  EXPECT_TRUE(done);
  EXPECT_EQ(count(), 2);
}

TEST_F(DatabaseTest, lets_readers_see_one_state_beside_a_writer) {
  auto reading = database_->begin_read().value();
  EXPECT_EQ(reading->run("SELECT count(*) FROM t").value().rows.at(0).integer(0), 0);
  ASSERT_TRUE(run("INSERT INTO t(name) VALUES('a')"));
  EXPECT_EQ(reading->run("SELECT count(*) FROM t").value().rows.at(0).integer(0), 0);
  reading.reset();
  EXPECT_EQ(count(), 1);
}

TEST_F(DatabaseTest, takes_writers_of_many_threads_and_of_another_connection) {
  auto other = Database::open(file_).value();
  std::vector<std::future<void>> threads;
  for (int i = 0; i < 4; ++i) {
    Database& mine = i % 2 == 0 ? *database_ : *other;
    threads.push_back(std::async(std::launch::async, [&mine] {
      for (int n = 0; n < 50; ++n) {
        auto done = mine.write([](Transaction& tx) -> Result<void> {
          auto inserted = tx.run("INSERT INTO t(price) VALUES(1)");
          if (!inserted) return std::unexpected(inserted.error());
          return {};
        });
        EXPECT_TRUE(done) << done.error().message;
      }
    }));
  }
  for (auto& thread : threads) thread.get();
  EXPECT_EQ(count(), 200);
}

TEST(Row, reads_a_number_that_does_not_fit_as_none) {
  Row row({Value(1e300), Value(-1e300), Value(2.5), Value(std::numeric_limits<double>::quiet_NaN())});
  EXPECT_EQ(row.integer(0), 0);
  EXPECT_EQ(row.integer(1), 0);
  EXPECT_EQ(row.integer(2), 2);
  EXPECT_EQ(row.integer(3), 0);
  EXPECT_EQ(row.real(0), 1e300);
}

TEST_F(DatabaseTest, says_which_file_cannot_be_opened) {
  auto nowhere = Database::open("/nowhere/at/all.db");
  ASSERT_FALSE(nowhere);
  EXPECT_THAT(nowhere.error().message, testing::HasSubstr("/nowhere/at/all.db"));
  std::ofstream(directory_ + "/garbage.db") << std::string(8192, 'x');
  EXPECT_EQ(Database::open(directory_ + "/garbage.db").error().code, ErrorCode::corrupt);
}

}  // namespace
}  // namespace pabal::relay
