#include "flows/trace_memory.h"

#include <gtest/gtest.h>

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;

WallTime at(std::chrono::milliseconds t) { return WallTime(1'000'000s) + t; }

Seen published(std::string_view key, std::string_view id, std::string_view correlation, int64_t offset) {
  return {.kind = SeenKind::published,
          .at = at(1s * offset),
          .service = "order",
          .topic = "order.events",
          .id = id,
          .key = key,
          .correlation_id = correlation,
          .type = "OrderPaid",
          .partition = 0,
          .offset = offset};
}

TEST(TraceMemory, FindsARecordByEachOfItsIds) {
  TraceMemory memory({}, at(0s));
  Seen seen = published("O-1", "6fa459ea-ee8a-3ca4-894e-db77e160355e", "flow-1", 0);
  seen.search = {"customer-7"};
  seen.reason = "because";
  seen.due = at(9s);
  memory.add(seen);
  memory.add(published("O-2", "e-2", "flow-2", 1));
  for (std::string id :
       {"O-1", "6fa459ea-ee8a-3ca4-894e-db77e160355e", "flow-1", "customer-7", "order.events/0/0"}) {
    auto found = memory.find({id}, 10);
    ASSERT_EQ(found.entries.size(), 1u) << id;
    EXPECT_EQ(found.entries[0].id, "6fa459ea-ee8a-3ca4-894e-db77e160355e");
    EXPECT_EQ(found.entries[0].type, "OrderPaid");
    EXPECT_EQ(found.entries[0].reason, "because");
    EXPECT_EQ(found.entries[0].due, at(9s));
  }
  EXPECT_TRUE(memory.find({"O-3"}, 10).entries.empty());
  EXPECT_EQ(memory.find({"O-1", "O-2"}, 10).entries.size(), 2u);
}

TEST(TraceMemory, AnUpperCaseUuidKeepsItsCase) {
  TraceMemory memory({}, at(0s));
  memory.add(published("K", "6FA459EA-EE8A-3CA4-894E-DB77E160355E", "c", 0));
  EXPECT_EQ(memory.find({"K"}, 1).entries.at(0).id, "6FA459EA-EE8A-3CA4-894E-DB77E160355E");
}

TEST(TraceMemory, FindsInOpenAndInSealedChunksInTheOrderOfTime) {
  TraceMemory memory({.chunk_bytes = 4_KiB}, at(0s));
  for (int i = 0; i < 1000; ++i) memory.add(published(fmt::format("O-{}", i % 100), "e", "c", i));
  auto found = memory.find({"O-7"}, 100);
  ASSERT_EQ(found.entries.size(), 10u);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(found.entries[static_cast<size_t>(i)].offset, 7 + 100 * i);
  auto some = memory.find({"c"}, 25);
  EXPECT_EQ(some.entries.size(), 25u);
  EXPECT_TRUE(some.more);
}

TEST(TraceMemory, StaysWithinItsBytesAndSaysSinceWhenItIsComplete) {
  TraceMemory memory({.bytes_max = 64_KiB, .chunk_bytes = 4_KiB}, at(0s));
  EXPECT_EQ(memory.complete_since(), at(0s));
  for (int i = 0; i < 5000; ++i) memory.add(published(fmt::format("O-{}", i), "e", "c", i));
  EXPECT_LE(memory.bytes(), 80_KiB);
  EXPECT_TRUE(memory.find({"O-1"}, 1).entries.empty());
  EXPECT_EQ(memory.find({"O-4999"}, 1).entries.size(), 1u);
  // All that it claims to know it knows.
  auto first_known = (memory.complete_since() - at(0s)) / 1s + 1;
  EXPECT_GT(first_known, 4000);
  for (auto i = first_known; i < 5000; ++i) {
    EXPECT_EQ(memory.find({fmt::format("O-{}", i)}, 1).entries.size(), 1u) << i;
  }
}

TEST(TraceMemory, ForgetsWhatIsOlderThanTheRetention) {
  TraceMemory memory({.retention = 100s, .chunk_bytes = 1_KiB}, at(0s));
  for (int i = 0; i < 200; ++i) memory.add(published(fmt::format("O-{}", i), "e", "c", i));
  memory.forget(at(200s));
  EXPECT_TRUE(memory.find({"O-50"}, 1).entries.empty());
  EXPECT_EQ(memory.find({"O-150"}, 1).entries.size(), 1u);
  memory.forget(at(1000s));
  EXPECT_EQ(memory.entries(), 0);
}

TEST(TraceMemory, ALossTakesBackWhatItClaims) {
  TraceMemory memory({}, at(0s));
  memory.incomplete_until(at(7s));
  memory.incomplete_until(at(5s));
  EXPECT_EQ(memory.complete_since(), at(7s));
}

TEST(Names, AreBounded) {
  Names names;
  for (size_t i = 0; i < Names::names_max + 10; ++i) names.number_of(fmt::format("n{}", i));
  EXPECT_EQ(names.name_of(names.number_of("one more")), "(more names)");
  EXPECT_EQ(names.name_of(names.number_of("n5")), "n5");
  EXPECT_EQ(names.name_of(names.number_of("")), "");
}

TEST(SeenBuffer, GivesBackWhatWasAddedAndCutsWhatIsLong) {
  SeenBuffer buffer;
  std::string longest(2 * seen_text_bytes_max, 'x');
  Seen seen = published("O-1", "e-1", "c-1", 3);
  seen.reason = longest;
  seen.search = {"a", "b"};
  buffer.add(seen);
  buffer.add(published("O-2", "e-2", "c-2", 4));
  std::vector<std::string> keys;
  buffer.for_each([&](const Seen& s) {
    keys.emplace_back(s.key);
    if (s.offset == 3) {
      EXPECT_EQ(s.reason.size(), seen_text_bytes_max);
      EXPECT_EQ(s.search, (std::vector<std::string_view>{"a", "b"}));
    }
  });
  EXPECT_EQ(keys, (std::vector<std::string>{"O-1", "O-2"}));
}

}  // namespace
}  // namespace pabal::flows
