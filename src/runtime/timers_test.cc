#include "runtime/timers.h"

#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <gtest/gtest.h>

#include "runtime/system_timers.h"
#include "runtime/timer_heap.h"

namespace pabal::runtime {
namespace {

using std::chrono::hours;
using std::chrono::milliseconds;

Instant at_ms(int ms) { return Instant(milliseconds(ms)); }

TEST(TimerHeap, takes_in_order_of_time_then_arrival) {
  TimerHeap heap;
  std::string order;
  heap.add(at_ms(5), [&] { order += 'c'; });
  heap.add(at_ms(1), [&] { order += 'a'; });
  heap.add(at_ms(1), [&] { order += 'b'; });
  EXPECT_EQ(heap.next(), at_ms(1));
  while (auto callback = heap.take_due(at_ms(5))) callback();
  EXPECT_EQ(order, "abc");
  EXPECT_EQ(heap.next(), std::nullopt);
}

TEST(TimerHeap, keeps_what_is_not_due) {
  TimerHeap heap;
  heap.add(at_ms(5), [] {});
  EXPECT_FALSE(heap.take_due(at_ms(4)));
  EXPECT_EQ(heap.size(), 1u);
}

TEST(TimerHeap, cancelled_does_not_run_and_unknown_ids_are_ignored) {
  TimerHeap heap;
  TimerId id = heap.add(at_ms(1), [] { FAIL(); });
  heap.cancel(id);
  heap.cancel(id);
  heap.cancel(TimerId(99));
  EXPECT_FALSE(heap.take_due(at_ms(9)));
}

TEST(TimerHeap, what_waits_for_ever_is_kept_and_never_next) {
  TimerHeap heap;
  auto kept = std::make_shared<int>();
  TimerId id = heap.add(Instant::max(), [kept] {});
  EXPECT_FALSE(heap.next());
  EXPECT_EQ(kept.use_count(), 2);
  heap.cancel(id);
  EXPECT_EQ(kept.use_count(), 1);
}

TEST(TimerHeap, survives_callbacks_that_cancel_others_when_destroyed) {
  TimerHeap heap;
  TimerId other = heap.add(at_ms(2), [] {});
  auto guard = std::shared_ptr<void>(nullptr, [&](void*) { heap.cancel(other); });
  TimerId id = heap.add(at_ms(1), [guard = std::move(guard)] {});
  heap.cancel(id);
  EXPECT_EQ(heap.size(), 0u);
}

TEST(SystemTimers, an_earlier_timer_added_later_runs_first) {
  asio::io_context context;
  SystemTimers timers(context);
  std::string order;
  Instant now = system_clock().now();
  timers.at(now + milliseconds(3), [&] { order += 'b'; });
  timers.at(now + milliseconds(1), [&] { order += 'a'; });
  context.run();
  EXPECT_EQ(order, "ab");
}

TEST(SystemTimers, never_calls_back_from_within_at) {
  asio::io_context context;
  SystemTimers timers(context);
  bool ran = false;
  timers.at(Instant::min(), [&] { ran = true; });
  EXPECT_FALSE(ran);
  context.run();
  EXPECT_TRUE(ran);
}

TEST(sleep_until, waits_until_the_time_has_come) {
  asio::io_context context;
  SystemTimers timers(context);
  Instant until = system_clock().now() + milliseconds(2);
  bool done = false;
  asio::co_spawn(
      context,
      [&]() -> Task<> {
        co_await sleep_until(timers, until);
        done = system_clock().now() >= until;
      },
      asio::detached);
  context.run();
  EXPECT_TRUE(done);
}

TEST(sleep_until, cancellation_ends_the_wait_early_without_an_error) {
  using namespace asio::experimental::awaitable_operators;
  asio::io_context context;
  SystemTimers timers(context);
  size_t first = 9;
  asio::co_spawn(
      context,
      [&]() -> Task<> {
        auto result = co_await (sleep_for(timers, hours(1)) || sleep_for(timers, milliseconds(1)));
        first = result.index();
      },
      [](std::exception_ptr failed) { EXPECT_FALSE(failed); });
  context.run();
  EXPECT_EQ(first, 1u);
}

}  // namespace
}  // namespace pabal::runtime
