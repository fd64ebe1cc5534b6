#include "relay/relay.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include "protocol/json.h"
#include "relay/fake_server.h"

namespace pabal::relay {
namespace {

using namespace std::chrono_literals;
using testing::ElementsAre;
using testing::HasSubstr;

class RelayTest : public testing::Test {
 protected:
  RelayTest() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
    database_ = Database::open(file_).value();
    in([&](Transaction& tx) { return Outbox().create(tx); });
  }
  ~RelayTest() override {
    database_.reset();
    std::filesystem::remove_all(directory_);
  }

  template <class Work>
  std::invoke_result_t<Work, Transaction&> in(Work work) {
    auto open = database_->begin_write().value();
    auto result = work(*open);
    EXPECT_TRUE(result) << result.error().message;
    EXPECT_TRUE(open->commit());
    return result;
  }

  void add(int n, const std::string& key = "k", const std::string& topic = "t") {
    in([&](Transaction& tx) {
      return Outbox().add(tx, {.id = fmt::format("e-{}", n),
                               .topic = topic,
                               .type = "Counted",
                               .key = key,
                               .payload = fmt::format("{{\"n\": {}}}", n),
                               .headers = R"({"correlationid": "c"})"});
    });
  }
  Outbox::Counts counts() {
    return *in([&](Transaction& tx) { return Outbox().counts(tx); });
  }
  std::vector<int> published(const std::string& topic = "t") {
    std::vector<int> numbers;
    for (const auto& record : server_.records(topic)) numbers.push_back(record.value["n"].get<int>());
    return numbers;
  }
  // Topics may rest between the rounds.
  void send_all(Relay& relay) {
    EXPECT_TRUE(server_.wait_until([&] {
      (void)relay.step();
      return counts().waiting == 0;
    }));
  }
  RelayOptions options() { return {.database = file_, .producer = "order", .server = server_.url()}; }

  std::string directory_ = testing::TempDir() + "pabal_relay_test_" + std::to_string(::getpid());
  std::string file_ = directory_ + "/test.db";
  std::unique_ptr<Database> database_;
  FakeServer server_;
};

TEST_F(RelayTest, publishes_events_in_order_and_marks_them) {
  for (int i = 0; i < 5; ++i) add(i);
  auto relay = Relay::open(options()).value();
  EXPECT_EQ(relay->step()->sent, 5);
  EXPECT_THAT(published(), ElementsAre(0, 1, 2, 3, 4));
  auto record = server_.records("t").front();
  EXPECT_EQ(record.key, "k");
  EXPECT_EQ(record.service, "order");
  EXPECT_EQ(record.headers["ce_id"], "e-0");
  EXPECT_EQ(record.headers["ce_type"], "Counted");
  EXPECT_EQ(record.headers["ce_specversion"], "1.0");
  EXPECT_EQ(record.headers["correlationid"], "c");
  EXPECT_EQ(counts().done, 5);
  EXPECT_EQ(relay->step()->sent, 0);
}

TEST_F(RelayTest, sends_nothing_twice_when_answers_are_lost) {
  for (int i = 0; i < 3; ++i) add(i);
  auto relay = Relay::open(options()).value();
  server_.set_fault(FakeServer::Fault::lose_answers);
  EXPECT_THAT(*relay->step()->full, HasSubstr("lost on purpose"));
  EXPECT_EQ(counts().waiting, 3);
  server_.set_fault(FakeServer::Fault::none);
  send_all(*relay);
  EXPECT_THAT(published(), ElementsAre(0, 1, 2));
}

TEST_F(RelayTest, keeps_events_while_the_server_is_away_full_or_talks_nonsense) {
  add(1);
  auto relay = Relay::open(options()).value();
  for (auto fault : {FakeServer::Fault::refuse_new, FakeServer::Fault::garbage}) {
    server_.set_fault(fault);
    EXPECT_TRUE(server_.wait_until([&] {
      auto round = relay->step();
      return round->full || round->away;
    }));
    EXPECT_EQ(counts().waiting, 1);
  }
  RelayOptions nowhere = options();
  relay.reset();
  nowhere.server = "http://127.0.0.1:1";
  EXPECT_TRUE(Relay::open(nowhere).value()->step()->away);
  auto rows = in([&](Transaction& tx) { return Outbox().list(tx, "waiting", 1); });
  EXPECT_EQ(rows->front().attempts, 3);
  EXPECT_THAT(rows->front().last_error, HasSubstr("127.0.0.1:1"));
}

TEST_F(RelayTest, sets_a_refused_event_aside_and_goes_on) {
  for (int i = 0; i < 20; ++i) add(i, i == 7 || i == 12 ? "bad" : "good");
  server_.refuse_key("bad");
  auto relay = Relay::open(options()).value();
  auto round = relay->step();
  EXPECT_EQ(round->sent, 18);
  EXPECT_EQ(round->failed, 2);
  EXPECT_THAT(published(), ElementsAre(0, 1, 2, 3, 4, 5, 6, 8, 9, 10, 11, 13, 14, 15, 16, 17, 18, 19));
  auto failed = in([&](Transaction& tx) { return Outbox().list(tx, "failed", 10); });
  ASSERT_EQ(failed->size(), 2U);
  EXPECT_EQ(failed->front().id, "e-7");
  EXPECT_EQ(failed->front().last_error, "400: a bad key");
}

TEST_F(RelayTest, sends_a_failed_event_again_when_told_to) {
  add(1, "bad");
  add(2);
  server_.refuse_key("bad");
  auto relay = Relay::open(options()).value();
  EXPECT_EQ(relay->step()->failed, 1);
  in([&](Transaction& tx) { return tx.run("UPDATE outbox SET key = 'good' WHERE status = 'failed'"); });
  in([&](Transaction& tx) { return Outbox().retry(tx, {}); });
  EXPECT_EQ(relay->step()->sent, 1);
  EXPECT_THAT(published(), ElementsAre(2, 1)) << "its new position is above the highest sequence";
}

TEST_F(RelayTest, lets_a_full_topic_hold_up_no_other) {
  RelayOptions few = options();
  few.batch_rows_max = 2;
  for (int i = 0; i < 4; ++i) add(i, "k", "full");
  add(4, "k", "free");
  server_.set_full("full", true);
  auto relay = Relay::open(few).value();
  EXPECT_TRUE(relay->step()->full);
  EXPECT_EQ(relay->step()->sent, 1);
  EXPECT_THAT(published("free"), ElementsAre(4));
  server_.set_full("full", false);
  send_all(*relay);
  EXPECT_THAT(published("full"), ElementsAre(0, 1, 2, 3));
}

TEST_F(RelayTest, is_told_of_a_commit_at_once) {
  RelayOptions told = options();
  told.change_wait_max = std::chrono::hours(1);
  auto relay = Relay::open(told).value();
  std::thread thread([&] { EXPECT_TRUE(relay->run()); });
  for (int i = 0; i < 5; ++i) {
    // Long enough for the relay to have stopped looking again and to wait for inotify.
    EXPECT_FALSE(ChangeWatch::open(directory_ + "/other.db").value()->wait_for_change(100ms));
    add(i);
    EXPECT_TRUE(server_.wait_until([&] { return published().size() == static_cast<size_t>(i + 1); }));
  }
  relay->stop();
  thread.join();
}

// SQLite writes a commit to its log, of which inotify tells, and flushes it before it makes it visible, of
// which nothing does. Here the file that is watched is one beside a link to the database, so that the notice
// comes when the test says so and the commit comes long after it without any.
TEST_F(RelayTest, sees_a_commit_soon_whose_flush_takes_long) {
  RelayOptions linked = options();
  linked.database = directory_ + "/linked/test.db";
  linked.change_wait_max = std::chrono::hours(1);
  std::filesystem::create_directories(directory_ + "/linked");
  std::filesystem::create_symlink(file_, linked.database);
  auto relay = Relay::open(linked).value();
  std::thread thread([&] { EXPECT_TRUE(relay->run()); });
  auto pause = ChangeWatch::open(directory_ + "/other.db").value();
  pause->pause(100ms);
  std::ofstream(linked.database + "-wal") << "the notice";
  pause->pause(200ms);
  add(1);
  EXPECT_TRUE(server_.wait_until([&] { return published().size() == 1; }));
  relay->stop();
  thread.join();
}

TEST_F(RelayTest, is_alone_on_a_database) {
  auto relay = Relay::open(options()).value();
  auto second = Relay::open(options());
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  relay.reset();
  EXPECT_TRUE(Relay::open(options()));
}

TEST_F(RelayTest, waits_for_a_service_that_has_not_started_yet) {
  RelayOptions later = options();
  later.database = directory_ + "/later.db";
  auto relay = Relay::open(later).value();
  std::thread thread([&] { EXPECT_TRUE(relay->run()); });
  auto database = Database::open(later.database).value();
  ASSERT_TRUE(database->write([&](Transaction& tx) -> Result<void> {
    if (auto done = Outbox().create(tx); !done) return done;
    return Outbox().add(tx, {.id = "e", .topic = "t", .type = "T", .key = "k", .payload = R"({"n": 9})"});
  }));
  EXPECT_TRUE(server_.wait_until([&] { return published() == std::vector<int>{9}; }));
  relay->stop();
  thread.join();
}

// Killed again and again between publish and mark, it loses nothing and doubles nothing.
TEST_F(RelayTest, survives_kills_between_publish_and_mark) {
  for (int i = 0; i < 60; ++i) add(i, fmt::format("{}", i % 3), i % 2 == 0 ? "even" : "odd");
  int kills = 0;
  for (int round = 0; round < 100 && counts().waiting > 0; ++round) {
    pid_t child = ::fork();
    if (child == 0) {
      RelayOptions mortal = options();
      mortal.batch_rows_max = 7;
      mortal.stop_after_publish = 3;
      auto relay = Relay::open(mortal);
      for (int i = 0; relay && i < 100; ++i) (void)(*relay)->step();
      ::_exit(0);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    kills += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL ? 1 : 0;
  }
  EXPECT_GE(kills, 3);
  EXPECT_EQ(counts().done, 60);
  std::vector<int> even;
  std::vector<int> odd;
  for (int i = 0; i < 60; ++i) (i % 2 == 0 ? even : odd).push_back(i);
  EXPECT_EQ(published("even"), even);
  EXPECT_EQ(published("odd"), odd);
}

TEST(record_json, carries_a_payload_that_is_no_json_as_bytes) {
  std::string json =
      record_json({.position = 7, .id = "i", .type = "T", .payload = "not json", .headers = "?"}, true);
  EXPECT_THAT(json, HasSubstr(R"("value_base64":"bm90IGpzb24=")"));
  EXPECT_THAT(json, HasSubstr(R"("sequence":7)"));
  std::string exact =
      record_json({.id = "i", .type = "T", .key = "a\"b", .payload = R"({ "b": 1.10, "a": 2 })"}, false);
  EXPECT_THAT(exact, HasSubstr(R"("value":{ "b": 1.10, "a": 2 })"));
  EXPECT_THAT(exact, HasSubstr(R"("key":"a\"b")"));
  EXPECT_THAT(exact, testing::Not(HasSubstr("sequence")));
}

// The server refuses the whole call for one record it cannot read, and everything behind it would wait.
TEST(record_json, is_what_the_server_reads_whatever_stands_in_the_row) {
  std::string deep = std::string(127, '[') + std::string(127, ']');
  for (const std::string& payload :
       {std::string("\xef\xbb\xbf{}"), deep, std::string("1],[2"), std::string("\xff")}) {
    std::string body = record_json({.id = "i", .type = "T", .payload = payload}, false);
    EXPECT_THAT(body, HasSubstr("value_base64")) << payload;
    EXPECT_TRUE(protocol::check_json("{\"records\":[" + body + "]}")) << body;
  }
  EXPECT_THAT(record_json({.id = "i", .type = "T", .key = "\xff", .payload = "1"}, false),
              HasSubstr(R"("key_base64":"/w==")"));
  EXPECT_THAT(
      record_json({.id = "i", .type = "T", .payload = "1", .headers = R"({"n": 5, "t": "x"})"}, false),
      testing::AllOf(HasSubstr(R"("n":"5")"), HasSubstr(R"("t":"x")")));
}

}  // namespace
}  // namespace pabal::relay
