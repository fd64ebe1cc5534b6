#include "doors/kafka/fetch_session.h"

#include <gmock/gmock.h>

#include "doors/kafka/kafka_fixture.h"

namespace pabal::doors {
namespace {

using kafka::FetchSessionEpoch;
using kafka::FetchSessionId;
using kafka::KafkaError;
using testing::ElementsAre;
using testing::IsEmpty;

constexpr int16_t version = 12;  // with topics by name, and sessions

// What a client does: names topics and partitions, and hears of those with news.
class FetchSessionTest : public KafkaFixture {
 protected:
  FetchSessionId id{0};

  static kafka::FetchRequest request(FetchSessionId session, int32_t epoch,
                                     const std::vector<std::pair<std::string, int64_t>>& from) {
    kafka::FetchRequest out{.max_bytes = 1'000'000, .session_id = session};
    out.session_epoch = FetchSessionEpoch(epoch);
    for (const auto& [topic, offset] : from) {
      out.topics.push_back({.topic = topic});
      out.topics.back().partitions.push_back(
          {.partition = PartitionIndex(0), .fetch_offset = Offset(offset), .partition_max_bytes = 1'000'000});
    }
    return out;
  }
  // As "topic" for a partition without records, "topic+" with, "topic!" with an error; in the order given.
  std::vector<std::string> heard(kafka::FetchRequest request, KafkaError expected = KafkaError::none) {
    auto response = ask(fetch, std::move(request), version);
    EXPECT_EQ(response.error_code, expected);
    id = response.session_id;
    std::vector<std::string> all;
    for (const auto& topic : response.responses) {
      for (const auto& one : topic.partitions) {
        bool failed = one.error_code != KafkaError::none;
        all.push_back(topic.topic + (failed ? "!" : one.records->bytes() > 0 ? "+" : ""));
      }
    }
    return all;
  }
  void begin(const std::vector<std::string>& topics) {
    std::vector<std::pair<std::string, int64_t>> from;
    for (const std::string& topic : topics) {
      make(topic);
      from.emplace_back(topic, 0);
    }
    heard(request(FetchSessionId(0), 0, from));
    ASSERT_NE(id, FetchSessionId(0));
  }
};

TEST_F(FetchSessionTest, after_the_first_answer_only_news_are_told) {
  begin({"a", "b"});
  FetchSessionId given = id;
  EXPECT_THAT(heard(request(given, 1, {})), IsEmpty());
  EXPECT_EQ(id, given);
  publish("b", {"k"});
  EXPECT_THAT(heard(request(given, 2, {})), ElementsAre("b+"));
  EXPECT_THAT(heard(request(given, 3, {{"b", 1}})), IsEmpty());
  ASSERT_TRUE(shards.run(broker->delete_records("b", PartitionIndex(0), std::nullopt)));
  EXPECT_THAT(heard(request(given, 4, {})), ElementsAre("b"));  // its first offset moved
  EXPECT_THAT(heard(request(given, 5, {})), IsEmpty());
}

TEST_F(FetchSessionTest, an_error_is_told_until_it_is_over_and_then_that) {
  begin({"a"});
  EXPECT_THAT(heard(request(id, 1, {{"a", 7}})), ElementsAre("a!"));
  EXPECT_THAT(heard(request(id, 2, {})), ElementsAre("a!"));
  EXPECT_THAT(heard(request(id, 3, {{"a", 0}})), ElementsAre("a"));
  EXPECT_THAT(heard(request(id, 4, {})), IsEmpty());
}

TEST_F(FetchSessionTest, partitions_are_added_and_forgotten) {
  begin({"a"});
  make("b");
  EXPECT_THAT(heard(request(id, 1, {{"b", 0}})), ElementsAre("b"));
  publish("a", {"k"});
  publish("b", {"k"});
  kafka::FetchRequest less = request(id, 2, {});
  less.forgotten_topics_data.push_back({.topic = "a", .partitions = {PartitionIndex(0), PartitionIndex(5)}});
  EXPECT_THAT(heard(less), ElementsAre("b+"));
}

TEST_F(FetchSessionTest, who_had_records_waits_for_the_others) {
  begin({"a", "b"});
  publish("a", {"k"});
  publish("b", {"k"});
  auto small = [&](int32_t epoch, const std::vector<std::pair<std::string, int64_t>>& from) {
    kafka::FetchRequest out = request(id, epoch, from);
    out.max_bytes = 1;  // one batch
    return out;
  };
  EXPECT_THAT(heard(small(1, {})), ElementsAre("a+", "b"));
  publish("a", {"k"});
  EXPECT_THAT(heard(small(2, {{"a", 1}})), ElementsAre("b+", "a"));
}

TEST_F(FetchSessionTest, a_fetch_out_of_turn_is_refused) {
  begin({"a"});
  FetchSessionId given = id;
  heard(request(FetchSessionId(given.value() ^ 1), 1, {}), KafkaError::fetch_session_id_not_found);
  heard(request(given, 2, {}), KafkaError::invalid_fetch_session_epoch);
  EXPECT_THAT(heard(request(given, 1, {})), IsEmpty());
  EXPECT_THAT(heard(request(given, -1, {{"a", 0}})), ElementsAre("a"));  // ends it
  EXPECT_EQ(id, FetchSessionId(0));
  heard(request(given, 2, {}), KafkaError::fetch_session_id_not_found);
}

TEST_F(FetchSessionTest, a_fetch_without_a_session_hears_all) {
  make("a");
  EXPECT_THAT(heard(request(FetchSessionId(0), -1, {{"a", 0}})), ElementsAre("a"));
  EXPECT_THAT(heard(request(FetchSessionId(0), -1, {{"a", 0}})), ElementsAre("a"));
  EXPECT_EQ(id, FetchSessionId(0));
}

TEST_F(FetchSessionTest, a_session_of_names_takes_no_ids) {
  begin({"a"});
  kafka::FetchRequest by_id = request(id, 1, {});
  EXPECT_EQ(ask(fetch, by_id, 13).error_code, KafkaError::fetch_session_topic_id_error);
}

// Sessions of clients that share the memory of one shard.
class FetchSessionsTest : public testing::Test {
 protected:
  static constexpr size_t of_two = fetch_session_topic_bytes + 1 + 2 * fetch_session_partition_bytes;
  engine::StepShards shards;
  std::shared_ptr<FetchSessions> all = std::make_shared<FetchSessions>(2 * of_two);
  FetchSession a{all}, b{all}, c{all};

  static kafka::FetchRequest request(FetchSessionId id, int32_t epoch, int partitions, int from = 0) {
    kafka::FetchRequest out{.session_id = id};
    out.session_epoch = FetchSessionEpoch(epoch);
    if (partitions > 0) out.topics.push_back({.topic = "t"});
    for (int i = 0; i < partitions; ++i)
      out.topics.back().partitions.push_back({.partition = PartitionIndex(from + i)});
    return out;
  }
  static FetchSessionId id_of(FetchSession& session) {
    kafka::FetchResponse response;
    session.finish(response);
    return response.session_id;
  }
  bool open(FetchSession& session, int partitions = 2) {
    auto wanted = request(FetchSessionId(0), 0, partitions);
    EXPECT_EQ(session.begin(wanted, false, shards.at(0)), KafkaError::none);
    return id_of(session) != FetchSessionId(0);
  }
  KafkaError go_on(FetchSession& session, int32_t epoch, int more = 0, int from = 0) {
    auto wanted = request(id_of(session), epoch, more, from);
    return session.begin(wanted, false, shards.at(0));
  }
};

TEST_F(FetchSessionsTest, above_the_limit_of_memory_none_is_given) {
  EXPECT_TRUE(open(a));
  EXPECT_TRUE(open(b));
  EXPECT_FALSE(open(c));
  EXPECT_EQ(all->bytes(), 2 * of_two);
  EXPECT_EQ(go_on(a, 1), KafkaError::none);
  EXPECT_EQ(go_on(a, 2, 1, 1), KafkaError::none);  // knows it already
  EXPECT_EQ(go_on(a, 3, 1, 2), KafkaError::fetch_session_id_not_found);
  EXPECT_TRUE(open(c));
  EXPECT_FALSE(open(b, 3));  // gives its own up first
  EXPECT_EQ(all->bytes(), of_two);
}

TEST_F(FetchSessionsTest, the_one_that_was_idle_for_longest_makes_room) {
  EXPECT_TRUE(open(a));
  EXPECT_TRUE(open(b));
  shards.advance(fetch_session_idle_min / 2);
  EXPECT_EQ(go_on(a, 1), KafkaError::none);
  shards.advance(fetch_session_idle_min / 2);
  EXPECT_TRUE(open(c));
  EXPECT_EQ(id_of(b), FetchSessionId(0));
  EXPECT_EQ(go_on(a, 2), KafkaError::none);
  EXPECT_FALSE(open(b));
  EXPECT_EQ(all->bytes(), 2 * of_two);
}

TEST_F(FetchSessionsTest, what_is_forgotten_or_ends_gives_its_memory_back) {
  {
    FetchSession brief(all);
    EXPECT_TRUE(open(brief));
    auto less = request(id_of(brief), 1, 0);
    less.forgotten_topics_data.push_back({.topic = "t", .partitions = {PartitionIndex(1)}});
    EXPECT_EQ(brief.begin(less, false, shards.at(0)), KafkaError::none);
    EXPECT_EQ(all->bytes(), of_two - fetch_session_partition_bytes);
    auto none = request(id_of(brief), 2, 0);
    none.forgotten_topics_data.push_back({.topic = "t", .partitions = {PartitionIndex(0)}});
    EXPECT_EQ(brief.begin(none, false, shards.at(0)), KafkaError::none);
    EXPECT_EQ(all->bytes(), 0U);
    EXPECT_EQ(go_on(brief, 3, 1), KafkaError::none);
  }
  EXPECT_EQ(all->bytes(), 0U);
}

}  // namespace
}  // namespace pabal::doors
