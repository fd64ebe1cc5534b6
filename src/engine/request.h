#pragma once

#include <atomic>
#include <functional>
#include <memory>
#include <vector>

#include "base/clock.h"
#include "engine/engine.h"

namespace pabal::engine {

struct LogState;

// One change that waits for its turn in the journal.
struct Request {
  enum class Kind { commit, open, trim, remove };

  Kind kind = Kind::commit;
  Commit commit = {};         // commit
  LogId log = {};             // the others
  LogSettings settings = {};  // open
  Offset first = {};          // trim
  size_t bytes = 0;           // in the journal, about
  Instant since = {};
  runtime::Executor executor = {};
  std::move_only_function<void(Result<CommitResult>)> done = {};  // on `executor`; empty when nobody waits

  std::vector<std::shared_ptr<LogState>> logs = {};  // the sequencer's: of each append, or the one
  CommitResult offsets = {};                         // the sequencer's
  Request* next_submitted = nullptr;
};

// Requests on their way from any thread to the sequencer. Without a lock: a push is one exchange, and the
// sequencer takes all at once. The requests of one thread stay in their order.
class RequestQueue {
 public:
  RequestQueue() = default;
  RequestQueue(const RequestQueue&) = delete;
  RequestQueue& operator=(const RequestQueue&) = delete;
  ~RequestQueue() {
    take([](std::unique_ptr<Request>) {});
  }

  void push(std::unique_ptr<Request> request) {
    Request* added = request.release();
    added->next_submitted = top_.load(std::memory_order_relaxed);
    while (!top_.compare_exchange_weak(added->next_submitted, added, std::memory_order_release,
                                       std::memory_order_relaxed)) {
    }
  }

  // Hands each request to `each`, the oldest first. One thread.
  template <class F>
  void take(F each) {
    Request* newest = top_.exchange(nullptr, std::memory_order_acquire);
    Request* oldest = nullptr;
    while (newest != nullptr) {
      Request* before = newest->next_submitted;
      newest->next_submitted = oldest;
      oldest = newest;
      newest = before;
    }
    while (oldest != nullptr) {
      Request* after = oldest->next_submitted;
      each(std::unique_ptr<Request>(oldest));
      oldest = after;
    }
  }

 private:
  std::atomic<Request*> top_ = nullptr;
};

}  // namespace pabal::engine
