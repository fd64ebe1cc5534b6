#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <memory>
#include <string>

#include "engine/embedded.h"

namespace pabal::bench {

// The log with this number, the same in every store that made it.
[[nodiscard]] engine::LogId log_number(int n);
// One batch of `records` records of `record_bytes` each.
[[nodiscard]] Bytes batch_of(size_t records, size_t record_bytes);

[[nodiscard]] engine::Commit copy_of(const engine::Commit& commit);

// A directory that is gone when this is.
class Scratch {
 public:
  explicit Scratch(std::string path);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  [[nodiscard]] const std::string& path() const { return path_; }

 private:
  std::string path_;
};

// An embedded engine on a data directory, with two shards to use it from. Stops it in order at the end.
class Store {
 public:
  explicit Store(const std::string& data_dir);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  [[nodiscard]] engine::Engine& engine() { return *engine_; }
  // Makes the logs 0 to count - 1.
  void make_logs(int count);
  // Commits a copy of it. Waits and tries again when too much is under way, and counts that. The caller keeps
  // `commit` until it is done.
  runtime::Task<> commit(const engine::Commit& commit);
  [[nodiscard]] uint64_t refused() const { return refused_; }

  // Runs a coroutine on a shard; the future has its result.
  template <class T>
  std::future<T> spawn(size_t shard, runtime::Task<T> task) {
    return asio::co_spawn(shards_->at(shard % shards_->count()).executor(), std::move(task),
                          asio::use_future);
  }

 private:
  std::unique_ptr<runtime::Shards> shards_;
  std::unique_ptr<engine::Engine> engine_;
  std::atomic<uint64_t> refused_ = 0;
};

}  // namespace pabal::bench
