#include "doors/kafka/byte_room.h"

#include <gmock/gmock.h>
#include <string>
#include <thread>
#include <vector>

namespace pabal::doors {
namespace {

class ByteRoomTest : public testing::Test {
 protected:
  ByteRoom room{100};
  std::string came;

  std::unique_ptr<ByteRoom::Turn> wait(size_t bytes, char name) {
    return std::make_unique<ByteRoom::Turn>(room, bytes, [this, name] { came += name; });
  }
};

TEST_F(ByteRoomTest, who_finds_no_room_gets_it_in_turn) {
  auto a = room.try_claim(60), b = room.try_claim(40);
  ASSERT_TRUE(a && b);
  EXPECT_FALSE(room.try_claim(1));
  auto c = wait(50, 'c'), d = wait(1, 'd');
  b.reset();
  EXPECT_EQ(came, "");  // d would fit, and does not overtake
  EXPECT_FALSE(d->take());
  EXPECT_FALSE(room.try_claim(1)) << "nor does one who did not wait";
  a.reset();
  EXPECT_EQ(came, "cd");
  EXPECT_TRUE(c->take() && d->take());
  EXPECT_EQ(room.bytes(), 0U) << "what was taken is given back by whoever has it";
}

TEST_F(ByteRoomTest, room_that_came_before_the_turn_began_is_not_missed) {
  auto a = wait(100, 'a');
  EXPECT_EQ(came, "a");
  auto claim = a->take();
  EXPECT_TRUE(claim);
  EXPECT_FALSE(a->take()) << "once";
  a.reset();
  EXPECT_EQ(room.bytes(), 100U);
}

TEST_F(ByteRoomTest, who_leaves_the_line_lets_the_next_one_in) {
  auto a = room.try_claim(60);
  auto b = wait(60, 'b'), c = wait(30, 'c');
  b.reset();
  EXPECT_EQ(came, "c");
  EXPECT_EQ(room.bytes(), 90U);
  c.reset();
  EXPECT_EQ(room.bytes(), 60U) << "room that nobody took is given back";
}

TEST_F(ByteRoomTest, what_is_larger_than_all_gets_room_alone) {
  auto a = room.try_claim(1);
  auto large = wait(1000, 'L'), b = wait(1, 'b');
  a.reset();
  EXPECT_EQ(came, "L");
  large.reset();
  EXPECT_EQ(came, "Lb");
}

TEST_F(ByteRoomTest, what_is_too_small_to_wait_counts_for_who_waits) {
  auto a = room.claim(90), b = room.claim(30);
  EXPECT_EQ(room.bytes(), 120U);
  auto c = wait(20, 'c');
  a.release();
  EXPECT_EQ(came, "c");
  EXPECT_EQ(room.bytes(), 50U);
  b = {};
  EXPECT_EQ(room.bytes(), 20U);
}

TEST_F(ByteRoomTest, threads_never_hold_more_than_there_is_and_all_get_their_turn) {
  constexpr int rounds = 2'000;
  std::atomic<size_t> held = 0, held_max = 0, taken = 0;
  auto work = [&](size_t bytes) {
    for (int i = 0; i < rounds; ++i) {
      std::atomic<bool> here = false;
      auto claim = room.try_claim(bytes);
      std::optional<ByteRoom::Turn> turn;
      if (!claim) {
        turn.emplace(room, bytes, [&here] {
          here = true;
          here.notify_one();
        });
        here.wait(false);
        claim = turn->take();
      }
      if (!claim) continue;
      size_t now = held += bytes;
      for (size_t most = held_max; most < now && !held_max.compare_exchange_weak(most, now);) {
      }
      ++taken;
      held -= bytes;
    }
  };
  std::vector<std::jthread> threads;
  for (size_t bytes : {90, 60, 50, 10}) threads.emplace_back(work, bytes);
  threads.clear();
  EXPECT_EQ(taken, 4U * rounds);
  EXPECT_LE(held_max, 100U);
  EXPECT_EQ(room.bytes(), 0U);
}

}  // namespace
}  // namespace pabal::doors
