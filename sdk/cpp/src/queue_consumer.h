#pragma once

#include <boost/asio/cancellation_signal.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "event_runner.h"
#include "pabal/pabal.h"
#include "runtime/asio.h"
#include "runtime/http_client.h"
#include "server_access.h"
#include "worker_pool.h"

namespace pabal::sdk {

// Pulls one queue: one long poll feeds a bounded pool of handlers, leases are extended while they are at
// work, and what they settled is acknowledged in batches after their commits. Lives on one executor; handlers
// run on the pool's threads.
class QueueConsumer : public std::enable_shared_from_this<QueueConsumer> {
 public:
  using Handle = std::function<HandledEvent(const Event&)>;

  QueueConsumer(runtime::Executor executor, ServerAccess server, std::string queue, QueueOptions options,
                Handle handle);

  // From any thread.
  void start();
  // On the executor: ends the poll, lets handlers at work finish and settles what they did. False when the
  // deadline came first.
  runtime::Task<bool> stop(Deadline deadline);
  // After stop(), by the owner: from here on no handler's thread knows of this.
  void join() { workers_.join(); }

 private:
  struct Failed {
    std::string lease;
    HandledEvent event;
  };

  runtime::Task<> poll();
  runtime::Task<bool> declare();
  runtime::Task<bool> poll_once();
  runtime::Task<> settle();
  runtime::Task<bool> acknowledge();
  runtime::Task<bool> give_back_failed();
  runtime::Task<> extend();
  runtime::Task<Result<runtime::HttpResponse>> ask(std::string method, std::string path, Json body,
                                                   Duration timeout);
  runtime::Task<> pause(asio::steady_timer& timer, Duration time);
  runtime::Task<> wait_for(asio::steady_timer& bell);
  void take(const Json& message);
  void work_async(std::string lease, Event event);
  void finished(const std::string& lease, HandledEvent event);
  [[nodiscard]] size_t room() const;
  void back_off();

  ServerAccess server_;
  std::string queue_;
  QueueOptions options_;
  Handle handle_;
  Duration visibility_;
  size_t in_hand_max_;
  std::unique_ptr<runtime::HttpClient> client_;
  WorkerPool workers_;
  std::set<std::string> leases_;  // held: waiting, at work, or not settled yet
  size_t in_hand_ = 0;            // waiting or at work
  std::vector<std::string> done_;
  std::vector<Failed> failed_;
  bool settling_ = false;
  std::atomic<bool> stopping_ = false;  // handlers that have not begun look at it
  bool polling_ = false;
  Duration backoff_;
  asio::cancellation_signal end_poll_;
  asio::steady_timer room_bell_;    // rung when there is room again
  asio::steady_timer settle_bell_;  // rung when there is something to settle, and when all is settled
  asio::steady_timer poll_timer_;
  asio::steady_timer extend_timer_;
};

// The body of PUT /v1/queues/{queue} for these options.
[[nodiscard]] Json queue_settings(const QueueOptions& options);
[[nodiscard]] Json push_settings(const PushOptions& options, const std::string& url);

}  // namespace pabal::sdk
