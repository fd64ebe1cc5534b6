#include "relay/outbox.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <unistd.h>

#include "relay/inbox.h"

namespace pabal::relay {
namespace {

using namespace std::chrono_literals;

class OutboxTest : public testing::Test {
 protected:
  OutboxTest() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    database_ = Database::open(directory_ + "/test.db").value();
    in([&](Transaction& tx) { return outbox_.create(tx); });
    in([&](Transaction& tx) { return Inbox().create(tx); });
  }
  ~OutboxTest() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  // Runs `work` in a transaction; its value.
  template <class Work>
  std::invoke_result_t<Work, Transaction&> in(Work work) {
    auto open = database_->begin_write().value();
    auto result = work(*open);
    EXPECT_TRUE(result) << result.error().message;
    EXPECT_TRUE(open->commit());
    return result;
  }

  void add(const std::string& id, WallTime at = WallTime(1000ms)) {
    in([&](Transaction& tx) {
      return outbox_.add(
          tx, {.id = id, .topic = "t", .type = "T", .key = "k", .payload = "{}", .created_at = at});
    });
  }
  std::vector<int64_t> waiting_positions() {
    std::vector<int64_t> positions;
    for (const auto& row : *in([&](Transaction& tx) { return outbox_.waiting(tx, 100); })) {
      positions.push_back(row.position);
    }
    return positions;
  }

  std::string directory_ = testing::TempDir() + "pabal_outbox_test_" + std::to_string(::getpid());
  std::unique_ptr<Database> database_;
  Outbox outbox_;
};

TEST_F(OutboxTest, hands_rows_out_in_the_order_of_commits) {
  for (const char* id : {"a", "b", "c"}) add(id);
  EXPECT_THAT(waiting_positions(), testing::ElementsAre(1, 2, 3));
  in([&](Transaction& tx) { return outbox_.mark_done(tx, std::vector<int64_t>{1, 3}); });
  EXPECT_THAT(waiting_positions(), testing::ElementsAre(2));
  auto counts = in([&](Transaction& tx) { return outbox_.counts(tx); });
  EXPECT_EQ(counts->done, 2);
  EXPECT_EQ(counts->waiting, 1);
}

TEST_F(OutboxTest, refuses_an_event_twice) {
  add("a");
  auto again = database_->write([&](Transaction& tx) {
    return outbox_.add(tx, {.id = "a", .topic = "t", .type = "T", .key = "k", .payload = "{}"});
  });
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
}

TEST_F(OutboxTest, gives_failed_rows_a_new_position) {
  for (const char* id : {"a", "b", "c"}) add(id);
  in([&](Transaction& tx) { return outbox_.mark_failed(tx, 1, "400: no"); });
  in([&](Transaction& tx) { return outbox_.mark_failed(tx, 2, "400: no"); });
  auto failed = in([&](Transaction& tx) { return outbox_.list(tx, "failed", 10); });
  ASSERT_EQ(failed->size(), 2U);
  EXPECT_EQ(failed->front().last_error, "400: no");
  std::vector<std::string> only_b{"b"};
  EXPECT_EQ(*in([&](Transaction& tx) { return outbox_.retry(tx, only_b); }), 1);
  EXPECT_THAT(waiting_positions(), testing::ElementsAre(3, 4));
  EXPECT_EQ(*in([&](Transaction& tx) { return outbox_.retry(tx, {}); }), 1);
  EXPECT_THAT(waiting_positions(), testing::ElementsAre(3, 4, 5));
  auto unknown = database_->write([&](Transaction& tx) -> Result<void> {
    auto done = outbox_.retry(tx, only_b);
    EXPECT_EQ(done.error().code, ErrorCode::not_found);
    return {};
  });
  EXPECT_TRUE(unknown);
}

TEST_F(OutboxTest, never_uses_a_position_twice) {
  add("a");
  in([&](Transaction& tx) { return outbox_.mark_done(tx, std::vector<int64_t>{1}); });
  EXPECT_EQ(*in([&](Transaction& tx) { return outbox_.prune(tx, WallTime(1h), 100); }), 1);
  add("b");
  EXPECT_THAT(waiting_positions(), testing::ElementsAre(2));
}

TEST_F(OutboxTest, prunes_by_age_and_by_count_and_only_what_is_done) {
  for (int i = 0; i < 10; ++i) add(fmt::format("{}", i), WallTime(std::chrono::seconds(i)));
  in([&](Transaction& tx) { return outbox_.mark_done(tx, std::vector<int64_t>{1, 2, 3, 4, 5, 6, 7, 8}); });
  in([&](Transaction& tx) { return outbox_.mark_failed(tx, 9, "no"); });
  EXPECT_EQ(*in([&](Transaction& tx) { return outbox_.prune(tx, WallTime(2s), 100); }), 2);
  EXPECT_EQ(*in([&](Transaction& tx) { return outbox_.prune(tx, WallTime(0s), 5); }), 3);
  auto counts = in([&](Transaction& tx) { return outbox_.counts(tx); });
  EXPECT_EQ(counts->done, 3);
  EXPECT_EQ(counts->failed, 1);
  EXPECT_EQ(counts->waiting, 1);
}

TEST_F(OutboxTest, has_an_identity_of_its_own_that_stays) {
  auto identity = in([&](Transaction& tx) { return outbox_.identity(tx); });
  in([&](Transaction& tx) { return outbox_.create(tx); });
  EXPECT_EQ(*in([&](Transaction& tx) { return outbox_.identity(tx); }), *identity);
  Outbox failures(OutboxTable::publish_failures);
  EXPECT_FALSE(*in([&](Transaction& tx) { return failures.exists(tx); }));
  in([&](Transaction& tx) { return failures.create(tx); });
  EXPECT_NE(*in([&](Transaction& tx) { return failures.identity(tx); }), *identity);
}

TEST_F(OutboxTest, inbox_takes_an_event_once_per_queue) {
  Inbox inbox;
  auto insert = [&](std::string_view queue, std::string_view id) {
    return *in([&](Transaction& tx) { return inbox.insert(tx, queue, id, WallTime(1s)); });
  };
  EXPECT_TRUE(insert("q", "a"));
  EXPECT_FALSE(insert("q", "a"));
  EXPECT_TRUE(insert("r", "a"));
  EXPECT_TRUE(*in([&](Transaction& tx) { return inbox.contains(tx, "q", "a"); }));
  EXPECT_FALSE(*in([&](Transaction& tx) { return inbox.contains(tx, "q", "b"); }));
}

TEST_F(OutboxTest, inbox_keeps_ids_longer_than_any_retry) {
  Inbox inbox;
  in([&](Transaction& tx) { return inbox.insert(tx, "q", "a", WallTime(0s)); });
  WallTime fifteen_days = WallTime(std::chrono::days(15));
  EXPECT_EQ(*in([&](Transaction& tx) { return inbox.prune(tx, fifteen_days); }), 0);
  WallTime seventeen_days = WallTime(std::chrono::days(17));
  EXPECT_EQ(*in([&](Transaction& tx) { return inbox.prune(tx, seventeen_days); }), 1);
}

}  // namespace
}  // namespace pabal::relay
