#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <optional>
#include <thread>

#include "base/check.h"
#include "runtime/shards.h"
#include "runtime/system_timers.h"

namespace pabal::runtime {
namespace {

// Makes shutdown() callable: what waits in one context may hold on to another, so all are shut down before
// the first is destroyed.
class Context : public asio::io_context {
 public:
  Context() : asio::io_context(1) {}
  using asio::execution_context::shutdown;
};

class SystemShard final : public Shard {
 public:
  explicit SystemShard(size_t index)
      : index_(index),
        timers_(context_),
        random_(Random::from_system()),
        keep_running_(context_.get_executor()) {}

  [[nodiscard]] size_t index() const override { return index_; }
  [[nodiscard]] Executor executor() override { return context_.get_executor(); }
  [[nodiscard]] Timers& timers() override { return timers_; }
  [[nodiscard]] Random& random() override { return random_; }
  [[nodiscard]] bool here() const override { return thread_.get_id() == std::this_thread::get_id(); }

  void start() {
    thread_ = std::jthread([this] { context_.run(); });
  }
  void stop() { context_.stop(); }
  void join() { thread_.join(); }
  void shutdown() {
    timers_.clear();
    context_.shutdown();
  }

 private:
  size_t index_;
  Context context_;
  SystemTimers timers_;
  Random random_;
  asio::executor_work_guard<asio::io_context::executor_type> keep_running_;
  std::jthread thread_;
};

class SystemShards final : public Shards {
 public:
  explicit SystemShards(size_t count) {
    check(count > 0, "a server has at least one shard");
    for (size_t i = 0; i < count; ++i) shards_.push_back(std::make_unique<SystemShard>(i));
    for (auto& shard : shards_) shard->start();
  }

  ~SystemShards() override {
    for (auto& shard : shards_) shard->stop();
    for (auto& shard : shards_) shard->join();
    for (auto& shard : shards_) shard->shutdown();
  }

  [[nodiscard]] size_t count() const override { return shards_.size(); }
  [[nodiscard]] Shard& at(size_t index) override { return *shards_.at(index); }
  [[nodiscard]] const Clock& clock() const override { return system_clock(); }

 private:
  std::vector<std::unique_ptr<SystemShard>> shards_;
};

}  // namespace

std::unique_ptr<Shards> start_shards(size_t count) { return std::make_unique<SystemShards>(count); }

std::vector<Executor> Shards::executors() {
  std::vector<Executor> all;
  for (size_t i = 0; i < count(); ++i) all.push_back(at(i).executor());
  return all;
}

}  // namespace pabal::runtime
