#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "broker/backoff.h"
#include "broker/consumers.h"
#include "broker/filter.h"
#include "broker/key_lines.h"
#include "broker/lease.h"
#include "broker/message_record.h"
#include "broker/names.h"
#include "broker/queue_table.h"
#include "broker/rate.h"
#include "broker/topic_table.h"

// The small parts of queues.

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;

TEST(Lease, reads_what_it_wrote_and_refuses_the_rest) {
  for (Lease lease :
       {Lease{{Source(0), Offset(17)}, 1, 0xdeadbeef, 1}, Lease{{own_source, Offset(0)}, 1000, 0, 99}}) {
    EXPECT_EQ(Lease::parse(lease.text()), lease) << lease.text();
  }
  std::string text = Lease{{Source(3), Offset(17)}, 1, 5, 1}.text();
  for (size_t i = 0; i + 1 < text.size(); ++i)
    EXPECT_FALSE(Lease::parse(text.substr(0, i))) << text.substr(0, i);
  for (auto bad :
       {"0.1.1.1.1.1", "0.1.1.1.1 ", "-2.1.1.1.1", "0.-1.1.1.1", "0.1.0.1.1", "a.1.1.1.1", "0.1.1.1.g"}) {
    EXPECT_FALSE(Lease::parse(bad)) << bad;
  }
}

TEST(backoff_wait, is_full_jitter_below_a_rising_ceiling) {
  Random random(1);
  Backoff backoff{1s, 2, 5min};
  Duration longest[] = {0s, 0s, 0s, 0s};
  for (int i = 0; i < 2000; ++i) {
    for (int n = 1; n <= 4; ++n) {
      Duration wait = backoff_wait(backoff, n, random);
      EXPECT_GE(wait, 0s);
      EXPECT_LE(wait, 1s * (1 << (n - 1)));
      longest[n - 1] = std::max(longest[n - 1], wait);
    }
    EXPECT_LE(backoff_wait(backoff, 1000, random), 5min);
  }
  for (int n = 1; n <= 4; ++n) EXPECT_GT(longest[n - 1], 950ms * (1 << (n - 1)));
}

TEST(Filter, names_are_anded_and_matches_ored) {
  using Kind = Match::Kind;
  auto passes = [](const Filter& filter, std::vector<std::pair<std::string_view, std::string_view>> headers) {
    log::RecordView record;
    for (auto [name, value] : headers) record.headers.push_back({name, as_bytes(value)});
    return lets_through(filter, record);
  };
  EXPECT_TRUE(passes({}, {}));
  Filter type{{{"type", {Match{.text = "A"}, Match{.text = "B"}}}}};
  EXPECT_TRUE(passes(type, {{"ce_type", "B"}}));
  EXPECT_FALSE(passes(type, {{"ce_type", "C"}}));
  EXPECT_FALSE(passes(type, {}));
  Filter both = type;
  both.headers.push_back({"country", {Match{.kind = Kind::prefix, .text = "K"}}});
  EXPECT_TRUE(passes(both, {{"ce_type", "A"}, {"country", "KR"}}));
  EXPECT_FALSE(passes(both, {{"ce_type", "A"}, {"country", "US"}}));
  Filter number{{{"total", {Match{.kind = Kind::numeric, .numeric = {{">", 100}, {"<=", 200}}}}}}};
  EXPECT_TRUE(passes(number, {{"total", "200"}}));
  EXPECT_FALSE(passes(number, {{"total", "100"}}));
  EXPECT_FALSE(passes(number, {{"total", "many"}}));
  Filter but{{{"x", {Match{.kind = Kind::anything_but, .any_of = {"a", "b"}}}}}};
  EXPECT_TRUE(passes(but, {{"x", "c"}}));
  EXPECT_FALSE(passes(but, {{"x", "a"}}));
  EXPECT_FALSE(passes(but, {}));
  Filter missing{{{"x", {Match{.kind = Kind::exists, .exists = false}}}}};
  EXPECT_TRUE(passes(missing, {}));
  EXPECT_FALSE(passes(missing, {{"x", "1"}}));
  Filter suffix{{{"x", {Match{.kind = Kind::suffix, .text = "z"}}}}};
  EXPECT_TRUE(passes(suffix, {{"x", "a"}, {"x", "az"}})) << "any of several values";
}

TEST(KeyLines, let_one_go_and_hold_the_rest) {
  KeyLines lines;
  Place a{Source(0), Offset(0)};
  Place b{Source(0), Offset(1)};
  Place c{Source(0), Offset(2)};
  EXPECT_TRUE(lines.join(1, a));
  EXPECT_FALSE(lines.join(1, b));
  EXPECT_FALSE(lines.join_first(1, c)) << "a may be out";
  EXPECT_EQ(lines.leave(1, a), c);
  lines.hold(1);
  EXPECT_EQ(lines.leave(1, c), std::nullopt);
  EXPECT_TRUE(lines.is_held(1));
  EXPECT_TRUE(lines.join_first(1, a));
  EXPECT_EQ(lines.leave(1, a), b);
  EXPECT_EQ(lines.leave(1, b), std::nullopt);
  EXPECT_EQ(lines.length(1), 0u);
  lines.hold(2);
  EXPECT_FALSE(lines.join(2, a));
  EXPECT_EQ(lines.release(2), a);
}

TEST(names, are_those_of_the_http_api) {
  EXPECT_TRUE(is_topic_name("order.events_2-x"));
  EXPECT_TRUE(is_topic_name(std::string(249, 'a')));
  for (std::string bad :
       {std::string(), std::string("."), std::string(".."), std::string("a b"), std::string(250, 'a')}) {
    EXPECT_FALSE(is_topic_name(bad));
  }
  EXPECT_TRUE(is_utf8("주문"));
  for (auto bad : {"\xff", "\xc0\x80", "\xed\xa0\x80", "\xe0\x80\x80", "\xf5\x80\x80\x80", "\xe3\x84"}) {
    EXPECT_FALSE(is_utf8(bad));
  }
  EXPECT_EQ(dead_letter_name("shipping.start"), "shipping.start.dead");
  EXPECT_TRUE(is_topic_name(dead_letter_name("주문")));
  EXPECT_NE(dead_letter_name("주문"), dead_letter_name("주물"));
  EXPECT_TRUE(is_topic_name(dead_letter_name(std::string(255, 'q'))));
}

TEST(dead_letter, carries_what_happened_and_gives_the_message_back_as_it_was) {
  log::StoredRecord record;
  record.key = as_bytes("k");
  record.value = as_bytes("v");
  record.headers = {{"a", as_bytes("1")}, {"null", std::nullopt}, {"pabal-queue", as_bytes("forged")}};
  record.timestamp = WallTime(5ms);
  DeadRecord dead{
      {"t-0-7", "t", {PartitionIndex(0), Offset(7)}, WallTime(5ms)}, "q", "why", 3, WallTime(9ms)};
  OwnedRecord letter = make_dead(record, dead);
  log::StoredRecord stored{letter.view()};
  auto read = read_dead(stored);
  ASSERT_TRUE(read);
  EXPECT_EQ(read->queue, "q");
  EXPECT_EQ(read->origin.id, "t-0-7");
  EXPECT_EQ(read->origin.at.offset, Offset(7));
  EXPECT_EQ(read->origin.enqueued_at, WallTime(5ms));
  EXPECT_EQ(read->reason, "why");
  EXPECT_EQ(read->deliveries, 3);
  EXPECT_EQ(read->died_at, WallTime(9ms));
  OwnedRecord message = make_redriven(stored, *read);
  log::StoredRecord again{message.view()};
  OwnRecord own = read_own(again);
  EXPECT_TRUE(own.redriven);
  EXPECT_EQ(own.origin.id, "t-0-7");
  auto headers = headers_of(again, true);
  ASSERT_EQ(headers.size(), 2u);
  EXPECT_EQ(headers[0].value, "1");
  EXPECT_EQ(headers[1].value, std::nullopt);
  EXPECT_FALSE(read_dead(log::StoredRecord{}));
}

TEST(queue_table, keys_and_values_read_as_they_were_written) {
  for (Place place : {Place{Source(0), Offset(5)}, Place{own_source, Offset(int64_t{1} << 60)},
                      Place{Source(900), Offset(0)}}) {
    EXPECT_EQ(place_of_retry_key(retry_key(place)), place);
  }
  EXPECT_EQ(hash_of_hold_key(hold_key(0xfedcba9876543210)), 0xfedcba9876543210);
  EXPECT_FALSE(place_of_retry_key("c000001"));
  EXPECT_FALSE(hash_of_hold_key("hx"));
  std::set<std::string> cursors;
  for (int s = -10; s < 10; ++s) cursors.insert(cursor_key(Source(s)));
  EXPECT_EQ(cursors.size(), 20u);
  Retry retry{3, WallTime(99ms), true, "a|b"};
  auto read = Retry::decode(retry.encode());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->deliveries, 3);
  EXPECT_EQ(read->due, WallTime(99ms));
  EXPECT_TRUE(read->open);
  EXPECT_EQ(read->reason, "a|b");
  EXPECT_FALSE(Retry::decode("x"));
  EXPECT_FALSE(DeadCount::decode("1|"));
  EXPECT_EQ(DeadCount::decode(DeadCount{4, WallTime(7ms)}.encode())->count, 4);
}

TEST(age_of, is_a_length_of_time_whatever_a_record_says) {
  WallTime now{std::chrono::milliseconds(1'770'000'000'000)};
  EXPECT_EQ(age_of(now - 5s, now), 5s);
  EXPECT_EQ(age_of(now + 5s, now), -5s);
  for (WallTime far : {WallTime::min(), now - std::chrono::days(200'000)}) {
    EXPECT_EQ(age_of(far, now), std::chrono::days(10'000));
  }
  EXPECT_EQ(age_of(WallTime::max(), now), -std::chrono::days(10'000));
}

TEST(TopicRecord, refuses_numbers_that_are_out_of_range_or_not_whole) {
  TopicRecord record{.id = {.bytes = {1}},
                     .settings = {.partitions = 3, .retention_time = 24h, .retention_bytes = 5}};
  EXPECT_EQ(TopicRecord::decode(record.encode()), record);
  std::string start = fmt::format(R"({{"id":"{}",)", record.id);
  EXPECT_TRUE(TopicRecord::decode(start + R"("partitions":2})"));
  for (auto bad :
       {R"("partitions":0})", R"("partitions":1e300})", R"("partitions":4294967297})", R"("partitions":"2"})",
        R"("retention_ms":9223372036854775807})", R"("retention_ms":-1})", R"("retention_bytes":1.5})"}) {
    auto read = TopicRecord::decode(start + bad);
    ASSERT_FALSE(read) << bad;
    EXPECT_EQ(read.error().code, ErrorCode::corrupt);
  }
}

TEST(QueueRecord, refuses_numbers_that_are_not_whole) {
  QueueRecord record{.id = {.bytes = {1}}, .settings = {.topic = "t", .dead_letter = "q.dead"}};
  std::string text = record.encode();
  auto read = QueueRecord::decode(text);
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->settings, record.settings);
  for (std::string name : {"max_deliveries", "visibility_ns", "max_bytes", "look_ahead"}) {
    std::string bad = text;
    bad.insert(bad.find('"' + name + "\":") + name.size() + 3, "1e300,\"was\":");
    EXPECT_FALSE(QueueRecord::decode(bad)) << bad;
  }
}

TEST(Consumers, are_there_while_they_ask_or_hold_a_lease_and_a_while_after) {
  Consumers consumers;
  Instant now(1h);
  WallTime wall(1h);
  auto [number, joined] = consumers.arrive("me", "HTTP", now, wall);
  EXPECT_TRUE(joined);
  consumers.begin_poll(number);
  EXPECT_TRUE(consumers.left(now + 1h).empty());
  consumers.add_leases(number, 2, now);
  consumers.end_poll(number, now, wall);
  EXPECT_TRUE(consumers.left(now + 1h).empty());
  EXPECT_EQ(consumers.leases_left(number), Consumers::leases_of_one_max - 2);
  consumers.add_leases(number, -2, now);
  EXPECT_EQ(consumers.next_check(), now + Consumers::patience);
  EXPECT_TRUE(consumers.left(now + 9s).empty());
  EXPECT_THAT(consumers.left(now + 10s), testing::ElementsAre("me"));
  EXPECT_TRUE(consumers.left(now + 11s).empty()) << "told once";
  ASSERT_EQ(consumers.infos(wall + 11s).size(), 1u) << "still shown for a minute";
  EXPECT_FALSE(consumers.infos(wall + 11s)[0].here) << "and not counted";
  EXPECT_TRUE(consumers.arrive("me", "HTTP", now + 20s, wall).joined);
}

TEST(Rate, is_that_of_the_last_ten_seconds) {
  Rate rate;
  Instant now(100s);
  rate.add(50, now);
  EXPECT_DOUBLE_EQ(rate.per_second(now), 0) << "this second is not over";
  EXPECT_DOUBLE_EQ(rate.per_second(now + 1s), 5);
  rate.add(50, now + 5s);
  EXPECT_DOUBLE_EQ(rate.per_second(now + 10s), 10);
  EXPECT_DOUBLE_EQ(rate.per_second(now + 11s), 5);
  EXPECT_DOUBLE_EQ(rate.per_second(now + 60s), 0);
}

}  // namespace
}  // namespace pabal::broker
