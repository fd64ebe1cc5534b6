#include "broker/queue_state.h"

#include <gtest/gtest.h>
#include <map>
#include <set>

#include "base/random.h"

namespace pabal::broker {
namespace {

using namespace std::chrono_literals;
using Verdict = QueueState::Verdict;

constexpr Source partition_0{0};
constexpr Instant start_of_time = Instant(std::chrono::hours(1));
constexpr WallTime wall_start = WallTime(std::chrono::milliseconds(1'000'000));

Place at(int64_t offset) { return {partition_0, Offset(offset)}; }

class QueueStateTest : public testing::Test {
 protected:
  QueueState state{{}, 7};
  Instant now = start_of_time;
  WallTime wall = wall_start;

  void SetUp() override { state.add_source(partition_0, SettledSet()); }
  void see(int64_t offset, uint64_t key = 0) {
    state.set_end(partition_0, Offset(offset + 1));
    state.see({.place = at(offset), .key = key, .enqueued_at = wall}, wall);
    state.scanned(partition_0, Offset(offset + 1));
  }
  std::vector<QueueState::Grant> lease(size_t max) { return state.lease(max, now + 30s, wall, 1); }
  void settle(Place place) {
    ASSERT_TRUE(state.freeze(place));
    state.settled(place.source).add(place.offset);
    state.settle(place, wall);
  }
};

TEST_F(QueueStateTest, a_frozen_message_is_leased_to_nobody_and_thaws_as_it_was) {
  see(0);
  ASSERT_TRUE(state.freeze(at(0)));
  EXPECT_FALSE(state.freeze(at(0)));
  EXPECT_FALSE(state.anything_ready());
  EXPECT_TRUE(lease(1).empty());
  state.thaw(at(0));
  EXPECT_TRUE(state.anything_ready());
  EXPECT_EQ(lease(1).size(), 1u);
}

TEST_F(QueueStateTest, a_lease_from_before_the_restart_acks_unless_it_gave_the_message_up) {
  state.set_end(partition_0, Offset(3));
  Lease old{at(0), 2, 99, 5};
  EXPECT_EQ(state.check(old), Verdict::unscanned);
  EXPECT_EQ(state.check({at(3), 1, 99, 1}), Verdict::unknown) << "beyond the end";
  EXPECT_EQ(state.check({{Source(5), Offset(0)}, 1, 99, 1}), Verdict::unknown);
  state.see({.place = at(0), .deliveries = 2, .open = true}, wall);
  EXPECT_EQ(state.check(old), Verdict::ok) << "it ran out, and nobody has it";
  state.see({.place = at(1), .deliveries = 2, .open = false}, wall);
  EXPECT_EQ(state.check({at(1), 2, 99, 5}), Verdict::expired) << "it was nacked";
  EXPECT_EQ(state.check({at(1), 3, 99, 6}), Verdict::ok) << "out when the server went down";
  auto grants = state.lease(1, now + 30s, wall, 1);
  EXPECT_EQ(state.check(old), Verdict::expired);
  settle(grants[0].place);
  EXPECT_EQ(state.check(grants[0].lease), Verdict::done);
  EXPECT_EQ(state.check(old), Verdict::expired);
}

TEST_F(QueueStateTest, logs_take_turns) {
  state.add_source(Source(1), SettledSet());
  for (int64_t o = 0; o < 3; ++o) {
    see(o);
    state.see({.place = {Source(1), Offset(o)}, .enqueued_at = wall}, wall);
  }
  auto first = lease(1)[0].place.source;
  auto second = lease(1)[0].place.source;
  EXPECT_NE(first, second);
}

TEST_F(QueueStateTest, what_retention_took_is_counted_but_for_what_is_frozen) {
  for (int64_t o = 0; o < 4; ++o) see(o);
  state.set_end(partition_0, Offset(10));
  ASSERT_TRUE(state.freeze(at(1)));
  EXPECT_EQ(state.lose_below(partition_0, Offset(6)), 5);  // 0, 2, 3 and the unread 4, 5
  EXPECT_EQ(state.settled(partition_0).cursor(), Offset(1));
  state.settled(partition_0).add(Offset(1));
  state.settle(at(1), wall);
  EXPECT_EQ(state.settled(partition_0).cursor(), Offset(6));
  EXPECT_EQ(state.next_scan(), at(6));
}

TEST_F(QueueStateTest, scanning_rests_when_enough_is_ready_and_at_the_end_of_the_window) {
  state.set_rules({.look_ahead = 100, .ready_max = 3});
  for (int64_t o = 0; o < 3; ++o) see(o);
  state.set_end(partition_0, Offset(500));
  EXPECT_FALSE(state.next_scan());
  lease(1);
  EXPECT_EQ(state.next_scan(), at(3));
  for (int64_t o = 3; o < 100; ++o) state.see({.place = at(o), .due = wall + 1h}, wall);
  state.scanned(partition_0, Offset(100));
  lease(10);
  EXPECT_FALSE(state.next_scan());
  EXPECT_EQ(state.stalled_by(), at(0));
  settle(at(0));
  EXPECT_EQ(state.next_scan(), at(100));
}

// -- against a naive model
// --------------------------------------------------------------------------------------------

// The same queue, told as plainly as possible: a list of messages in order of their offsets.
struct Naive {
  enum class Is { ready, leased, delayed, settled };
  struct Message {
    uint64_t key = 0;
    Is is = Is::ready;
    WallTime due = {};
    Instant until = {};
    uint64_t serial = 0;
    int deliveries = 0;
    bool frozen = false;
    bool dead = false;
  };
  bool by_key = false;
  bool hold = false;
  std::vector<Message> messages = {};

  // Whether the message at `i` is the first of its key, and so may leave.
  [[nodiscard]] bool is_first(size_t i) const {
    if (!by_key || messages[i].key == 0) return true;
    for (size_t j = 0; j < i; ++j) {
      if (messages[j].key == messages[i].key && messages[j].is != Is::settled) return false;
    }
    return !is_held(messages[i].key);
  }
  [[nodiscard]] bool is_held(uint64_t key) const {
    return hold && std::ranges::any_of(messages, [&](const Message& m) { return m.dead && m.key == key; });
  }
  [[nodiscard]] bool can_go(size_t i, WallTime wall) const {
    const Message& m = messages[i];
    bool waits = m.is == Is::delayed && m.due > wall;
    return (m.is == Is::ready || m.is == Is::delayed) && !waits && !m.frozen && is_first(i);
  }
};

class Play {
 public:
  explicit Play(uint64_t seed) : random_(seed) {
    naive_.by_key = random_.chance(0.6);
    naive_.hold = naive_.by_key && random_.chance(0.5);
    state_.set_rules({naive_.by_key ? KeyOrder::by_key : KeyOrder::none,
                      naive_.hold ? OnDead::hold : OnDead::carry_on, 100'000, 10'000});
    state_.add_source(partition_0, SettledSet());
  }

  void run() {
    for (int i = 0; i < 400; ++i) {
      step();
      compare();
      if (testing::Test::HasFatalFailure()) return;
    }
  }

 private:
  using Is = Naive::Is;

  void step() {
    switch (random_.below(9)) {
      case 0:
      case 1:
        return publish();
      case 2:
      case 3:
        return lease();
      case 4:
        return settle(false);
      case 5:
        return random_.chance(0.5) ? settle(true) : retry();
      case 6:
        return retry();
      case 7:
        return freeze_or_thaw();
      default:
        return pass_time();
    }
  }

  void publish() {
    auto offset = static_cast<int64_t>(naive_.messages.size());
    Naive::Message m{.key = random_.below(4)};
    naive_.messages.push_back(m);
    state_.set_end(partition_0, Offset(offset + 1));
    state_.see({.place = at(offset), .key = m.key, .enqueued_at = wall_}, wall_);
    state_.scanned(partition_0, Offset(offset + 1));
  }

  void lease() {
    size_t max = 1 + random_.below(4);
    auto grants = state_.lease(max, now_ + 10s, wall_, 1);
    std::vector<size_t> expected;  // one of a key at a time: those of one call are of different keys
    for (size_t i = 0; i < naive_.messages.size() && expected.size() < max; ++i) {
      if (naive_.can_go(i, made_due_)) expected.push_back(i);
    }
    ASSERT_EQ(grants.size(), expected.size());
    for (size_t n = 0; n < grants.size(); ++n) {
      ASSERT_EQ(grants[n].place, at(static_cast<int64_t>(expected[n])));
      Naive::Message& m = naive_.messages[expected[n]];
      m.is = Is::leased;
      m.until = now_ + 10s;
      m.serial = grants[n].lease.serial;
      ++m.deliveries;
      ASSERT_EQ(grants[n].lease.delivery, m.deliveries);
      leases_[expected[n]] = grants[n].lease;
    }
  }

  // Any message that is not frozen: an old lease may settle what nobody holds.
  std::optional<size_t> pick() {
    std::vector<size_t> open;
    for (size_t i = 0; i < naive_.messages.size(); ++i) {
      if (naive_.messages[i].is != Is::settled && !naive_.messages[i].frozen) open.push_back(i);
    }
    if (open.empty()) return std::nullopt;
    return open[random_.below(open.size())];
  }

  void settle(bool dies) {
    auto i = pick();
    if (!i) return;
    if (dies && !naive_.is_first(*i))
      return;  // only what was delivered dies, and that is the first of its key
    Place place = at(static_cast<int64_t>(*i));
    ASSERT_TRUE(state_.freeze(place));
    state_.settled(partition_0).add(place.offset);
    naive_.messages[*i].is = Is::settled;
    if (dies) {
      naive_.messages[*i].dead = naive_.messages[*i].key != 0;
      state_.die(place, made_due_);
    } else {
      state_.settle(place, made_due_);
    }
  }

  void retry() {
    auto i = pick();
    if (!i || naive_.messages[*i].is != Is::leased) return;
    Naive::Message& m = naive_.messages[*i];
    Place place = at(static_cast<int64_t>(*i));
    ASSERT_EQ(state_.check(leases_[*i]), Verdict::ok);
    ASSERT_TRUE(state_.freeze(place));
    m.is = Is::delayed;
    m.due = wall_ + std::chrono::milliseconds(random_.below(5000));
    state_.retry(place, m.deliveries, m.due, false, made_due_);
    ASSERT_EQ(state_.check(leases_[*i]), Verdict::expired);
  }

  void freeze_or_thaw() {
    for (size_t i = 0; i < naive_.messages.size(); ++i) {
      if (!naive_.messages[i].frozen) continue;
      naive_.messages[i].frozen = false;
      return state_.thaw(at(static_cast<int64_t>(i)));
    }
    auto i = pick();
    if (!i) return;
    naive_.messages[*i].frozen = true;
    ASSERT_TRUE(state_.freeze(at(static_cast<int64_t>(*i))));
  }

  void pass_time() {
    auto ms = std::chrono::milliseconds(random_.below(8000));
    now_ += ms;
    wall_ += ms;
    made_due_ = wall_;
    state_.make_due(wall_);
    std::set<Place> expected;
    for (size_t i = 0; i < naive_.messages.size(); ++i) {
      Naive::Message& m = naive_.messages[i];
      if (m.is == Is::leased && m.until <= now_ && !m.frozen) expected.insert(at(static_cast<int64_t>(i)));
    }
    for (const Lease& ended : state_.run_out(now_)) {
      ASSERT_EQ(expected.erase(ended.place), 1u) << fmt::format("{}", ended.place);
      Naive::Message& m = naive_.messages[static_cast<size_t>(ended.place.offset.value())];
      ASSERT_TRUE(state_.freeze(ended.place));
      state_.retry(ended.place, m.deliveries, std::nullopt, true, made_due_);
      m.is = Is::ready;
      ASSERT_EQ(state_.check(ended), Verdict::ok) << "it has gone to nobody yet";
    }
    ASSERT_TRUE(expected.empty());
  }

  void compare() {
    QueueState::Counts counts = state_.counts();
    int64_t open = 0;
    int64_t leased = 0;
    bool ready = false;
    int64_t cursor = 0;
    while (cursor < static_cast<int64_t>(naive_.messages.size()) &&
           naive_.messages[static_cast<size_t>(cursor)].is == Is::settled) {
      ++cursor;
    }
    for (size_t i = 0; i < naive_.messages.size(); ++i) {
      open += naive_.messages[i].is != Is::settled;
      leased += naive_.messages[i].is == Is::leased;
      ready = ready || naive_.can_go(i, made_due_);
    }
    ASSERT_EQ(counts.waiting + counts.ready + counts.leased + counts.delayed, open);
    ASSERT_EQ(counts.leased, leased);
    ASSERT_EQ(state_.anything_ready(), ready);
    ASSERT_EQ(state_.settled(partition_0).cursor(), Offset(cursor));
  }

  Random random_;
  Naive naive_;
  QueueState state_{{}, 7};
  std::map<size_t, Lease> leases_;
  Instant now_ = start_of_time;
  WallTime wall_ = wall_start;
  WallTime made_due_ = wall_start;  // retries come due when time is looked at
};

TEST(QueueState, does_what_a_naive_model_does) {
  for (uint64_t seed = 1; seed <= 500; ++seed) {
    SCOPED_TRACE(seed);
    Play(seed).run();
    if (testing::Test::HasFatalFailure()) return;
  }
}

}  // namespace
}  // namespace pabal::broker
