#pragma once

#include <boost/asio/execution.hpp>
#include <boost/asio/execution_context.hpp>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "runtime/asio.h"
#include "runtime/timer_heap.h"

namespace pabal::runtime {

// All threads of a machine, played by one: each is a lane, whose work runs in the order in which it came;
// which lane comes next is the seed's choice, so that every seed is another interleaving. Time is virtual: it
// creeps with each step, and jumps to the next timer when no lane has work.
class SimulatedLoop {
 public:
  explicit SimulatedLoop(uint64_t seed);
  ~SimulatedLoop();
  SimulatedLoop(const SimulatedLoop&) = delete;
  SimulatedLoop& operator=(const SimulatedLoop&) = delete;

  // One thread. Lives as long as the loop.
  class Lane;
  Lane& add_lane();

  [[nodiscard]] const Clock& clock() const { return clock_; }
  [[nodiscard]] Random& random() { return random_; }

  // Runs one piece of work or one timer. False when nothing is left that could run.
  bool step();
  // Only timers that are due before `until` make time jump.
  bool step_until(Instant until);
  // Destroys all that waits, and what that brings; time stays.
  void drop_all();
  [[nodiscard]] uint64_t steps() const { return steps_; }

 private:
  struct SimulatedClock final : Clock {
    [[nodiscard]] Instant now() const override { return time; }
    [[nodiscard]] WallTime wall_now() const override;
    Instant time = Instant(std::chrono::hours(1));
  };

  bool run_one();
  Lane& choose();
  Lane* next_timer_lane();

  Random random_;
  SimulatedClock clock_;
  asio::execution_context context_;
  std::vector<std::unique_ptr<Lane>> lanes_;
  std::vector<Lane*> ready_;  // of one step
  Lane* current_ = nullptr;
  uint64_t steps_ = 0;
};

// The executor of a lane: what is handed to it never runs at once.
class LaneExecutor {
 public:
  explicit LaneExecutor(SimulatedLoop::Lane* lane) : lane_(lane) {}

  [[nodiscard]] asio::execution_context& query(asio::execution::context_t) const noexcept;
  [[nodiscard]] static constexpr asio::execution::blocking_t query(asio::execution::blocking_t) noexcept {
    return asio::execution::blocking.never;
  }
  [[nodiscard]] LaneExecutor require(asio::execution::blocking_t::never_t) const { return *this; }
  template <class F>
  void execute(F work) const;
  friend bool operator==(const LaneExecutor&, const LaneExecutor&) = default;

 private:
  SimulatedLoop::Lane* lane_;
};

class SimulatedLoop::Lane final : public Timers {
 public:
  Lane(SimulatedLoop& loop, size_t index) : loop_(loop), index_(index) {}

  [[nodiscard]] size_t index() const { return index_; }
  [[nodiscard]] Executor executor() { return LaneExecutor(this); }
  // True while work of this lane runs.
  [[nodiscard]] bool here() const { return loop_.current_ == this; }

  [[nodiscard]] const Clock& clock() const override { return loop_.clock_; }
  TimerId at(Instant at, std::move_only_function<void()> callback) override;
  void cancel(TimerId id) override { timers_.cancel(id); }

  // From now on it is `times` as rare that its work comes next while other lanes have some: a thread that
  // waits for a slow disk. 1 as it is made.
  void slow_down(uint64_t times) { slowness_ = times; }

  void push(std::move_only_function<void()> work);
  [[nodiscard]] asio::execution_context& context() { return loop_.context_; }

 private:
  friend class SimulatedLoop;
  [[nodiscard]] bool ready() const;

  SimulatedLoop& loop_;
  size_t index_;
  uint64_t slowness_ = 1;
  std::deque<std::move_only_function<void()>> work_;
  TimerHeap timers_;
};

template <class F>
void LaneExecutor::execute(F work) const {
  lane_->push([work = std::move(work)]() mutable { std::move(work)(); });
}

}  // namespace pabal::runtime
