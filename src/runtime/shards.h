#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/this_coro.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "base/random.h"
#include "runtime/asio.h"
#include "runtime/timers.h"

namespace pabal::runtime {

// One thread with its event loop and what it owns. Everything here belongs to that thread, but for
// executor().
class Shard {
 public:
  virtual ~Shard() = default;
  [[nodiscard]] virtual size_t index() const = 0;
  [[nodiscard]] virtual Executor executor() = 0;  // from any thread
  [[nodiscard]] virtual Timers& timers() = 0;
  [[nodiscard]] virtual Random& random() = 0;
  // True on the shard's own thread.
  [[nodiscard]] virtual bool here() const = 0;
};

// All shards of a server. Real ones run a thread each; the simulator's is one, stepped by hand.
class Shards {
 public:
  virtual ~Shards() = default;
  [[nodiscard]] virtual size_t count() const = 0;
  [[nodiscard]] virtual Shard& at(size_t index) = 0;
  [[nodiscard]] virtual const Clock& clock() const = 0;

  // The shard that owns whatever has this hash.
  [[nodiscard]] Shard& owner_of(size_t hash) { return at(hash % count()); }
  [[nodiscard]] std::vector<Executor> executors();
};

// `count` threads, each with an io_context of its own. Destruction stops and joins them.
[[nodiscard]] std::unique_ptr<Shards> start_shards(size_t count);

// Runs `work()` (a coroutine function) on `executor` and continues, with its result, where the caller runs.
// Without a hop when the caller is already there.
template <class T>
Task<T> on(Executor executor, std::function<Task<T>()> work) {
  if (executor == co_await asio::this_coro::executor) co_return co_await work();
  co_return co_await asio::co_spawn(executor, std::move(work), asio::use_awaitable);
}

}  // namespace pabal::runtime
