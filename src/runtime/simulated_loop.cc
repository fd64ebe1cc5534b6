#include "runtime/simulated_loop.h"

#include <algorithm>

namespace pabal::runtime {
namespace {

constexpr uint64_t step_ns_max = 20'000;  // a piece of work takes up to so long

}  // namespace

asio::execution_context& LaneExecutor::query(asio::execution::context_t) const noexcept {
  return lane_->context();
}

WallTime SimulatedLoop::SimulatedClock::wall_now() const {
  constexpr WallTime start(std::chrono::milliseconds(1'767'225'600'000));  // 2026-01-01
  return start + std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
}

TimerId SimulatedLoop::Lane::at(Instant at, std::move_only_function<void()> callback) {
  return timers_.add(at, std::move(callback));
}

void SimulatedLoop::Lane::push(std::move_only_function<void()> work) { work_.push_back(std::move(work)); }

bool SimulatedLoop::Lane::ready() const {
  return !work_.empty() || (timers_.next() && *timers_.next() <= loop_.clock_.time);
}

SimulatedLoop::SimulatedLoop(uint64_t seed) : random_(seed) {}

SimulatedLoop::~SimulatedLoop() { drop_all(); }

SimulatedLoop::Lane& SimulatedLoop::add_lane() {
  lanes_.push_back(std::make_unique<Lane>(*this, lanes_.size()));
  return *lanes_.back();
}

// One of those that are ready. A slow one is passed over for another, as long as there is one.
SimulatedLoop::Lane& SimulatedLoop::choose() {
  for (;;) {
    size_t chosen = random_.below(ready_.size());
    Lane& lane = *ready_[chosen];
    if (lane.slowness_ == 1 || ready_.size() == 1 || random_.below(lane.slowness_) == 0) return lane;
    ready_.erase(ready_.begin() + static_cast<ptrdiff_t>(chosen));
  }
}

bool SimulatedLoop::run_one() {
  ready_.clear();
  for (const auto& lane : lanes_) {
    if (lane->ready()) ready_.push_back(lane.get());
  }
  if (ready_.empty()) return false;
  Lane& lane = choose();
  std::move_only_function<void()> work = lane.timers_.take_due(clock_.time);
  if (!work) {
    work = std::move(lane.work_.front());
    lane.work_.pop_front();
  }
  ++steps_;
  clock_.time += Duration(static_cast<int64_t>(random_.below(step_ns_max)));
  current_ = &lane;
  work();
  current_ = nullptr;
  return true;
}

SimulatedLoop::Lane* SimulatedLoop::next_timer_lane() {
  Lane* first = nullptr;
  for (const auto& lane : lanes_) {
    auto next = lane->timers_.next();
    if (next && (first == nullptr || *next < *first->timers_.next())) first = lane.get();
  }
  return first;
}

bool SimulatedLoop::step() { return step_until(Instant::max()); }

bool SimulatedLoop::step_until(Instant until) {
  if (run_one()) return true;
  Lane* lane = next_timer_lane();
  if (lane == nullptr || *lane->timers_.next() > until) {
    if (until != Instant::max()) clock_.time = std::max(clock_.time, until);
    return false;
  }
  clock_.time = std::max(clock_.time, *lane->timers_.next());
  return run_one();
}

void SimulatedLoop::drop_all() {
  // What dies may post again, as under a real loop: that is queued, and dies in a later round, never within
  // the call that posted it.
  for (bool any = true; any;) {
    any = false;
    for (const auto& lane : lanes_) {
      auto work = std::exchange(lane->work_, {});
      any |= !work.empty() || lane->timers_.size() > 0;
      work.clear();
      lane->timers_.clear();
    }
  }
}

}  // namespace pabal::runtime
