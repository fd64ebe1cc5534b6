#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <filesystem>
#include <fstream>
#include <future>
#include <gtest/gtest.h>
#include <unistd.h>

#include "engine/commit_builder.h"
#include "engine/embedded.h"
#include "log/record_batch.h"

namespace pabal::engine {
namespace {

using runtime::Task;
using std::chrono::milliseconds;

WallTime ms(int64_t n) { return WallTime(milliseconds(n)); }

LogId log_number(uint8_t n) {
  LogId id;
  id.topic.bytes[15] = n;
  return id;
}
const LogId log_a = log_number(1);
const LogId log_b = log_number(2);

// Everything a log holds, as text, one record per entry.
std::vector<std::string> values_in(const ReadResult& read) {
  std::vector<std::string> values;
  for (const SharedBytes& bytes : read.batches) {
    auto batch = log::BatchView::parse(bytes.view());
    EXPECT_TRUE(batch && batch->verify());
    EXPECT_TRUE(batch->for_each([&](const log::StoredRecord& record) {
      values.emplace_back(as_text(record.value.value_or(BytesView())));
      return true;
    }));
  }
  return values;
}

// A data directory on the real disk, and an engine on it with real threads.
class EmbeddedEngineTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string pattern = (std::filesystem::temp_directory_path() / "pabal-engine-XXXXXX").string();
    ASSERT_NE(::mkdtemp(pattern.data()), nullptr);
    directory_ = pattern;
    options_.data_dir = directory_ + "/data";
    options_.shards = shards_.get();
    options_.limits.journal = {.file_bytes = 1_MiB, .first_file_bytes = 256_KiB, .files_max = 4};
    options_.limits.segments.segment_bytes = 64_KiB;
    options_.limits.write_round_bytes = 32_KiB;
    options_.limits.disk_reserve_bytes = 0;
  }
  void TearDown() override {
    engine_.reset();
    shards_.reset();
    std::filesystem::remove_all(directory_);
  }

  template <class T>
  T run(Task<T> task) {
    return asio::co_spawn(shards_->at(0).executor(), std::move(task), asio::use_future).get();
  }

  void open() {
    auto engine = open_embedded(options_);
    ASSERT_TRUE(engine) << engine.error().message;
    engine_ = std::move(*engine);
  }
  // As a killed process leaves it.
  void kill() { engine_.reset(); }
  void stop() {
    run<bool>([](Engine& engine) -> Task<bool> {
      co_await engine.stop();
      co_return true;
    }(*engine_));
    engine_.reset();
  }

  Result<Offset> append(const LogId& log, const std::string& value, WallTime time = {}) {
    CommitBuilder builder;
    builder.add(log, {.value = as_bytes(value), .timestamp = time});
    auto done = run(engine_->commit(builder.finish()));
    if (!done) return std::unexpected(done.error());
    return done->front();
  }
  std::vector<std::string> read_all(const LogId& log) {
    std::vector<std::string> all;
    Offset from = engine_->range(log)->first;
    while (from < engine_->range(log)->next) {
      auto read = run(engine_->read(log, from, 10'000));
      EXPECT_TRUE(read) << read.error().message;
      if (!read || read->batches.empty()) break;
      std::ranges::move(values_in(*read), std::back_inserter(all));
      from = log::BatchView::parse(read->batches.back().view())->next_offset();
    }
    return all;
  }
  void open_logs() {
    open();
    ASSERT_TRUE(run(engine_->open_log(log_a, {.name = "a"})));
    ASSERT_TRUE(run(engine_->open_log(log_b, {.name = "b"})));
  }

  std::unique_ptr<runtime::Shards> shards_ = runtime::start_shards(2);
  std::string directory_;
  EmbeddedOptions options_;
  std::unique_ptr<Engine> engine_;
};

std::vector<std::string> numbered(int count, size_t bytes = 0) {
  std::vector<std::string> all;
  for (int i = 0; i < count; ++i) all.push_back(fmt::format("{}{}", i, std::string(bytes, 'x')));
  return all;
}

TEST_F(EmbeddedEngineTest, what_follows_a_failed_commit_in_its_chain_fails_too) {
  open_logs();
  auto chain = std::make_shared<CommitChain>();
  auto begin = [&](const LogId& log, bool linked) {
    CommitBuilder builder;
    builder.add(log, {.value = as_bytes("v")});
    Commit commit = builder.finish();
    if (linked) commit.links.push_back(CommitChain::next(chain));
    return asio::co_spawn(shards_->at(0).executor(), engine_->commit(std::move(commit)), asio::use_future);
  };
  auto before = begin(log_a, true);
  auto failed = begin({.topic = {.bytes = {99}}, .partition = PartitionIndex(0)}, true);
  auto after = begin(log_a, true);
  auto other = begin(log_a, false);
  EXPECT_EQ(before.get()->front(), Offset(0));
  EXPECT_EQ(failed.get().error().code, ErrorCode::not_found);
  EXPECT_EQ(after.get().error().code, ErrorCode::unavailable);
  EXPECT_EQ(other.get()->front(), Offset(1));
}

TEST_F(EmbeddedEngineTest, what_was_committed_is_read) {
  open_logs();
  EXPECT_EQ(*append(log_a, "one"), Offset(0));
  EXPECT_EQ(*append(log_a, "two"), Offset(1));
  EXPECT_EQ(*append(log_b, "other"), Offset(0));
  EXPECT_EQ(read_all(log_a), (std::vector<std::string>{"one", "two"}));
  EXPECT_EQ(engine_->range(log_a)->next, Offset(2));
  EXPECT_TRUE(run(engine_->read(log_a, Offset(2), 1))->batches.empty());
  EXPECT_EQ(run(engine_->read(log_a, Offset(3), 1)).error().code, ErrorCode::not_found);
}

TEST_F(EmbeddedEngineTest, unknown_logs_are_not_found) {
  open();
  EXPECT_EQ(append(log_a, "x").error().code, ErrorCode::not_found);
  EXPECT_EQ(engine_->range(log_a).error().code, ErrorCode::not_found);
  EXPECT_EQ(run(engine_->read(log_a, Offset(0), 1)).error().code, ErrorCode::not_found);
  EXPECT_EQ(run(engine_->delete_log(log_a)).error().code, ErrorCode::not_found);
}

TEST_F(EmbeddedEngineTest, a_commit_over_several_logs_is_whole_or_refused_whole) {
  open_logs();
  CommitBuilder builder;
  builder.add(log_a, {.value = as_bytes("1")});
  builder.add(log_b, {.value = as_bytes("2")});
  builder.add(log_number(9), {.value = as_bytes("3")});
  EXPECT_EQ(run(engine_->commit(builder.finish())).error().code, ErrorCode::not_found);
  EXPECT_EQ(engine_->range(log_a)->next, Offset(0));
  CommitBuilder again;
  again.add(log_a, {.value = as_bytes("1")});
  again.add(log_b, {.value = as_bytes("2")});
  EXPECT_EQ(*run(engine_->commit(again.finish())), (CommitResult{Offset(0), Offset(0)}));
}

TEST_F(EmbeddedEngineTest, survives_a_kill_at_any_fill) {
  for (int count : {0, 1, 300}) {
    open_logs();
    for (const std::string& value : numbered(count, 500)) ASSERT_TRUE(append(log_a, value));
    auto before = read_all(log_a);
    kill();
    open();
    EXPECT_EQ(read_all(log_a), before);
    EXPECT_EQ(engine_->logs().size(), 2u);
    ASSERT_TRUE(append(log_a, "more"));
    kill();
  }
}

TEST_F(EmbeddedEngineTest, a_clean_stop_leaves_nothing_to_replay) {
  open_logs();
  for (const std::string& value : numbered(400, 1000)) ASSERT_TRUE(append(log_a, value));
  auto before = read_all(log_a);
  stop();
  open();
  EXPECT_EQ(read_all(log_a), before);
  EXPECT_EQ(engine_->range(log_a)->next, Offset(400));
  EXPECT_GT(engine_->range(log_a)->bytes, 400'000u);
}

TEST_F(EmbeddedEngineTest, a_log_counts_what_no_segment_holds_yet) {
  options_.limits.write_round_bytes = 1_MiB;  // nothing is moved to segments before the stop
  open_logs();
  ASSERT_EQ(engine_->range(log_a)->bytes, 0u);
  ASSERT_TRUE(append(log_a, std::string(1000, 'x')));
  uint64_t one = engine_->range(log_a)->bytes;
  EXPECT_GT(one, 1000u);
  EXPECT_LT(one, 1200u);
  ASSERT_TRUE(append(log_a, std::string(1000, 'y')));
  EXPECT_EQ(engine_->range(log_a)->bytes, 2 * one);
  EXPECT_EQ(engine_->range(log_b)->bytes, 0u);
  kill();
  open();
  EXPECT_EQ(engine_->range(log_a)->bytes, 2 * one) << "after replaying the journal";
  stop();
  open();
  EXPECT_EQ(engine_->range(log_a)->bytes, 2 * one) << "when they have moved to segments";
}

TEST_F(EmbeddedEngineTest, what_is_counted_stays_right_while_it_moves_to_segments) {
  open_logs();
  uint64_t one = 0;
  for (uint64_t count = 1; count <= 400; ++count) {
    ASSERT_TRUE(append(log_a, std::string(1000, 'x')));
    uint64_t bytes = engine_->range(log_a)->bytes;
    if (count == 1) one = bytes;
    ASSERT_GT(one, 1000u);
    ASSERT_EQ(bytes, count * one);
  }
  ASSERT_TRUE(run(engine_->trim(log_a, Offset(400))));
  stop();
  open();
  EXPECT_EQ(engine_->range(log_a)->bytes, 0u);
}

TEST_F(EmbeddedEngineTest, reads_start_within_a_batch_wherever_it_lies) {
  options_.limits.cached_bytes_max = 20'000;
  open_logs();
  for (int i = 0; i < 50; ++i) {
    CommitBuilder builder;
    for (const std::string& value : numbered(4, 800)) builder.add(log_a, {.value = as_bytes(value)});
    ASSERT_TRUE(run(engine_->commit(builder.finish())));
  }
  for (int64_t from = 0; from < 200; from += 7) {
    auto read = run(engine_->read(log_a, Offset(from), 1));
    ASSERT_TRUE(read) << read.error().message;
    ASSERT_EQ(read->batches.size(), 1u);
    EXPECT_EQ(log::BatchView::parse(read->batches[0].view())->base_offset(), Offset(from / 4 * 4));
  }
}

TEST_F(EmbeddedEngineTest, trim_is_durable_and_frees_files) {
  open_logs();
  for (const std::string& value : numbered(300, 1000)) ASSERT_TRUE(append(log_a, value));
  ASSERT_TRUE(run(engine_->trim(log_a, Offset(250))));
  EXPECT_EQ(engine_->range(log_a)->first, Offset(250));
  EXPECT_EQ(run(engine_->read(log_a, Offset(249), 1)).error().code, ErrorCode::not_found);
  EXPECT_EQ(run(engine_->trim(log_a, Offset(301))).error().code, ErrorCode::invalid);
  kill();
  open();
  EXPECT_EQ(engine_->range(log_a)->first, Offset(250));
  EXPECT_EQ(read_all(log_a).size(), 50u);
  stop();
  size_t files = 0;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory_ + "/data/topics")) {
    files += entry.path().extension() == ".log" ? 1 : 0;
  }
  EXPECT_LE(files, 2u);
}

TEST_F(EmbeddedEngineTest, a_log_trimmed_to_its_end_goes_on_at_that_offset) {
  open_logs();
  for (const std::string& value : numbered(10)) ASSERT_TRUE(append(log_a, value));
  ASSERT_TRUE(run(engine_->trim(log_a, Offset(10))));
  stop();
  open();
  EXPECT_EQ(*append(log_a, "next"), Offset(10));
  kill();
  open();
  EXPECT_EQ(read_all(log_a), std::vector<std::string>{"next"});
}

TEST_F(EmbeddedEngineTest, a_deleted_log_is_gone_with_its_files) {
  open_logs();
  for (const std::string& value : numbered(100, 1000)) ASSERT_TRUE(append(log_a, value));
  ASSERT_TRUE(run(engine_->delete_log(log_a)));
  EXPECT_EQ(engine_->range(log_a).error().code, ErrorCode::not_found);
  kill();
  open();
  EXPECT_EQ(engine_->logs().size(), 1u);
  EXPECT_EQ(engine_->logs()[0].second, "b");
  stop();
  EXPECT_FALSE(std::filesystem::exists(fmt::format("{}/data/topics/{}", directory_, log_a.topic)));
}

TEST_F(EmbeddedEngineTest, find_time_finds_in_segments_and_in_memory) {
  open_logs();
  for (int i = 0; i < 200; ++i) ASSERT_TRUE(append(log_a, std::string(1000, 'x'), ms(1000 + i * 10)));
  for (auto [time, offset] :
       {std::pair(0, 0), {1000, 0}, {1001, 1}, {1500, 50}, {2985, 199}, {2990, 199}, {2991, 200}}) {
    EXPECT_EQ(*run(engine_->find_time(log_a, ms(time))), Offset(offset)) << time;
  }
  ASSERT_TRUE(run(engine_->trim(log_a, Offset(100))));
  EXPECT_EQ(*run(engine_->find_time(log_a, ms(0))), Offset(100));
  stop();
  open();
  EXPECT_EQ(*run(engine_->find_time(log_a, ms(2500))), Offset(150));
}

TEST_F(EmbeddedEngineTest, watchers_hear_of_what_they_watch_until_they_let_go) {
  open_logs();
  std::promise<void> heard;
  std::atomic<int> calls = 0;
  auto watch = engine_->watch(log_a, shards_->at(1).executor(), [&] {
    if (calls++ == 0) heard.set_value();
  });
  ASSERT_TRUE(append(log_b, "not watched"));
  EXPECT_EQ(calls, 0);
  ASSERT_TRUE(append(log_a, "watched"));
  heard.get_future().wait();
  asio::co_spawn(
      shards_->at(1).executor(),
      [&]() -> Task<> {
        watch.reset();
        co_return;
      },
      asio::use_future)
      .get();
  int before = calls;
  ASSERT_TRUE(append(log_a, "nobody listens"));
  EXPECT_EQ(calls, before);
}

TEST_F(EmbeddedEngineTest, offsets_come_in_the_order_in_which_a_thread_committed) {
  open_logs();
  std::vector<std::future<Result<CommitResult>>> all;
  for (const std::string& value : numbered(500)) {
    CommitBuilder builder;
    builder.add(log_a, {.value = as_bytes(value)});
    all.push_back(
        asio::co_spawn(shards_->at(0).executor(), engine_->commit(builder.finish()), asio::use_future));
  }
  for (size_t i = 0; i < all.size(); ++i) EXPECT_EQ(all[i].get()->front(), Offset(static_cast<int64_t>(i)));
  EXPECT_EQ(read_all(log_a), numbered(500));
  EXPECT_FALSE(engine_->recent_commit_seconds().empty());
}

TEST_F(EmbeddedEngineTest, malformed_and_oversized_commits_are_refused) {
  open_logs();
  auto commit = [&](Bytes batch) {
    Commit c;
    c.appends.push_back({log_a, std::move(batch)});
    return run(engine_->commit(std::move(c)));
  };
  EXPECT_EQ(commit(Bytes(10)).error().code, ErrorCode::invalid);
  log::BatchBuilder builder;
  builder.add({.value = as_bytes("x")});
  Bytes damaged = builder.finish();
  damaged.back() ^= 1;
  EXPECT_EQ(commit(damaged).error().code, ErrorCode::invalid);
  std::string huge(600'000, 'x');
  builder.add({.value = as_bytes(huge)});
  EXPECT_EQ(commit(builder.finish()).error().code, ErrorCode::too_large);
  Commit twice;
  for (LogId log : {log_a, log_b, log_a}) {
    log::BatchBuilder one;
    one.add({.value = as_bytes("x")});
    twice.appends.push_back({log, one.finish()});
  }
  EXPECT_EQ(run(engine_->commit(std::move(twice))).error().code, ErrorCode::invalid);
  ASSERT_TRUE(append(log_a, "still works"));
}

TEST_F(EmbeddedEngineTest, a_second_engine_is_refused_with_the_process_that_has_the_directory) {
  open();
  auto second = open_embedded(options_);
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code, ErrorCode::conflict);
  EXPECT_NE(second.error().message.find(std::to_string(::getpid())), std::string::npos);
}

TEST_F(EmbeddedEngineTest, an_unknown_version_is_refused) {
  open();
  stop();
  std::ofstream(options_.data_dir + "/VERSION") << "77\n";
  auto engine = open_embedded(options_);
  ASSERT_FALSE(engine);
  EXPECT_EQ(engine.error().code, ErrorCode::unsupported);
  EXPECT_NE(engine.error().message.find("77"), std::string::npos);
}

TEST_F(EmbeddedEngineTest, publishing_stops_at_the_reserve_and_what_may_use_it_goes_on) {
  open_logs();
  kill();
  options_.limits.disk_reserve_bytes = uint64_t{1} << 60;
  open();
  EXPECT_EQ(append(log_a, "x").error().code, ErrorCode::disk_full);
  EXPECT_EQ(engine_->health().state, EngineHealth::State::disk_full);
  EXPECT_FALSE(engine_->health().reason.empty());
  CommitBuilder builder;
  builder.add(log_a, {.value = as_bytes("ack")});
  builder.use_reserve();
  EXPECT_TRUE(run(engine_->commit(builder.finish())));
}

TEST_F(EmbeddedEngineTest, retention_by_size_and_time_spares_what_is_pinned) {
  options_.limits.retention_interval = milliseconds(5);
  open_logs();
  ASSERT_TRUE(run(engine_->open_log(log_a, {.name = "a", .retention_bytes = 100'000})));
  engine_->pin(log_a, "queue", Offset(20));
  for (const std::string& value : numbered(300, 1000)) ASSERT_TRUE(append(log_a, value));
  auto wait_for_first = [&](Offset first) {
    std::promise<void> reached;
    bool done = false;
    auto check_now = [&] {
      if (!done && engine_->range(log_a)->first >= first) {
        done = true;
        reached.set_value();
      }
    };
    auto watch = engine_->watch(log_a, shards_->at(1).executor(), check_now);
    asio::post(shards_->at(1).executor(), check_now);
    reached.get_future().wait();
    std::promise<void> closed;
    asio::post(shards_->at(1).executor(), [&] {
      watch.reset();
      closed.set_value();
    });
    closed.get_future().wait();
  };
  wait_for_first(Offset(20));
  EXPECT_EQ(engine_->range(log_a)->first, Offset(20));
  engine_->pin(log_a, "queue", std::nullopt);
  wait_for_first(Offset(100));
  EXPECT_GE(engine_->range(log_a)->next - engine_->range(log_a)->first, 99);
  ASSERT_TRUE(run(engine_->open_log(log_a, {.name = "a", .retention_time = milliseconds(1)})));
  wait_for_first(Offset(300));
}

}  // namespace
}  // namespace pabal::engine
