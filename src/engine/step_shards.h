#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <optional>

#include "base/check.h"
#include "runtime/shards.h"
#include "runtime/timer_heap.h"

namespace pabal::engine {

// For tests: one shard stepped by hand, whose time moves only when nothing else can run. One thread.
class StepShards final : public runtime::Shards {
 public:
  explicit StepShards(uint64_t seed = 1) : shard_(*this, seed) {}
  ~StepShards() override { heap_.clear(); }

  [[nodiscard]] size_t count() const override { return 1; }
  [[nodiscard]] runtime::Shard& at(size_t) override { return shard_; }
  [[nodiscard]] const Clock& clock() const override { return clock_; }

  // Runs what can run now.
  void settle() {
    while (run_ready() || run_due()) {
    }
  }
  // Moves time on, running on the way what is due.
  void advance(Duration d) {
    Instant until = clock_.now_ + d;
    settle();
    while (heap_.next() && *heap_.next() <= until) {
      clock_.now_ = std::max(clock_.now_, *heap_.next());
      settle();
    }
    clock_.now_ = until;
    settle();
  }

  // Runs a coroutine to its end, moving time as far as it needs.
  template <class T>
  T run(runtime::Task<T> task) {
    auto outcome = start(std::move(task));
    for (settle(); !*outcome; settle()) {
      check(heap_.next().has_value(), "the coroutine under test waits for ever");
      clock_.now_ = std::max(clock_.now_, *heap_.next());
    }
    return std::move(**outcome);
  }
  void run(runtime::Task<> task) { run(with_value(std::move(task))); }

  // Begins a coroutine; the result appears when it has ended.
  template <class T>
  std::shared_ptr<std::optional<T>> start(runtime::Task<T> task) {
    auto outcome = std::make_shared<std::optional<T>>();
    asio::co_spawn(context_, std::move(task), [outcome](std::exception_ptr failure, T value) {
      if (failure) std::rethrow_exception(failure);
      *outcome = std::move(value);
    });
    return outcome;
  }

 private:
  struct StepClock final : Clock {
    [[nodiscard]] Instant now() const override { return now_; }
    [[nodiscard]] WallTime wall_now() const override {
      auto since = std::chrono::duration_cast<std::chrono::milliseconds>(now_.time_since_epoch());
      return WallTime(std::chrono::milliseconds(1'767'225'600'000)) + since;  // 2026-01-01
    }
    Instant now_ = Instant(std::chrono::hours(1));
  };
  struct StepShard final : runtime::Shard, runtime::Timers {
    StepShard(StepShards& owner, uint64_t seed) : owner_(owner), random_(seed) {}
    [[nodiscard]] size_t index() const override { return 0; }
    [[nodiscard]] runtime::Executor executor() override { return owner_.context_.get_executor(); }
    [[nodiscard]] runtime::Timers& timers() override { return *this; }
    [[nodiscard]] Random& random() override { return random_; }
    [[nodiscard]] bool here() const override { return true; }
    [[nodiscard]] const Clock& clock() const override { return owner_.clock_; }
    runtime::TimerId at(Instant at, std::move_only_function<void()> callback) override {
      return owner_.heap_.add(at, std::move(callback));
    }
    void cancel(runtime::TimerId id) override { owner_.heap_.cancel(id); }
    StepShards& owner_;
    Random random_;
  };

  static runtime::Task<bool> with_value(runtime::Task<> task) {
    co_await std::move(task);
    co_return true;
  }
  bool run_ready() {
    context_.restart();
    return context_.poll() > 0;
  }
  bool run_due() {
    auto callback = heap_.take_due(clock_.now_);
    if (!callback) return false;
    callback();
    return true;
  }

  StepClock clock_;
  runtime::TimerHeap heap_;
  asio::io_context context_{1};
  StepShard shard_;
};

}  // namespace pabal::engine
