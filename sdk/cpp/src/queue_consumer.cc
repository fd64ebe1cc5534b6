#include "queue_consumer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/bind_cancellation_slot.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>

#include "base/logging.h"
#include "base/units.h"
#include "event_codec.h"

namespace pabal::sdk {

namespace {

constexpr Duration poll_wait = std::chrono::seconds(20);
constexpr Duration ask_timeout = std::chrono::seconds(10);
constexpr Duration backoff_first = std::chrono::milliseconds(20);
constexpr Duration backoff_max = std::chrono::seconds(1);
constexpr Duration visibility_default = std::chrono::seconds(30);
constexpr size_t ahead_min = 4;
constexpr size_t receive_max = 100;
constexpr size_t response_bytes_max = 256_MiB;  // a hundred of the largest messages, escaped
constexpr size_t settle_max = 1'000;
constexpr size_t reason_bytes_max = 1'000;

size_t in_hand_max(const QueueOptions& options) {
  auto workers = static_cast<size_t>(std::max(1, options.workers));
  size_t ahead = options.ahead > 0 ? static_cast<size_t>(options.ahead) : std::max(workers, ahead_min);
  return workers + ahead;
}

}  // namespace

QueueConsumer::QueueConsumer(runtime::Executor executor, ServerAccess server, std::string queue,
                             QueueOptions options, Handle handle)
    : server_(std::move(server)),
      queue_(std::move(queue)),
      options_(std::move(options)),
      handle_(std::move(handle)),
      visibility_(options_.visibility.value_or(visibility_default)),
      in_hand_max_(in_hand_max(options_)),
      client_(runtime::HttpClient::make(executor, {.response_bytes_max = response_bytes_max})),
      workers_(std::max(1, options_.workers), in_hand_max_),
      backoff_(backoff_first),
      room_bell_(executor),
      settle_bell_(executor),
      poll_timer_(executor),
      extend_timer_(executor) {}

void QueueConsumer::start() {
  workers_.start();
  polling_ = true;
  auto executor = poll_timer_.get_executor();
  asio::co_spawn(
      executor, [self = shared_from_this()] { return self->poll(); },
      asio::bind_cancellation_slot(end_poll_.slot(), [self = shared_from_this()](std::exception_ptr) {
        self->polling_ = false;
        self->settle_bell_.cancel();
      }));
  asio::co_spawn(executor, [self = shared_from_this()] { return self->settle(); }, asio::detached);
  asio::co_spawn(executor, [self = shared_from_this()] { return self->extend(); }, asio::detached);
}

runtime::Task<> QueueConsumer::pause(asio::steady_timer& timer, Duration time) {
  timer.expires_after(time);
  (void)co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
}

runtime::Task<> QueueConsumer::wait_for(asio::steady_timer& bell) {
  bell.expires_at(asio::steady_timer::time_point::max());
  (void)co_await bell.async_wait(asio::as_tuple(asio::use_awaitable));
}

runtime::Task<Result<runtime::HttpResponse>> QueueConsumer::ask(std::string method, std::string path,
                                                                Json body, Duration timeout) {
  std::string target = "/v1/queues/" + runtime::percent_encode(queue_) + path;
  auto request = server_.request(std::move(method), std::move(target),
                                 body.dump(-1, ' ', false, Json::error_handler_t::replace));
  auto answer =
      co_await client_->request(server_.url, std::move(request), Deadline::after(system_clock(), timeout));
  if (!answer || answer->status / 100 == 2) co_return answer;
  ErrorCode code = answer->status == 404 ? ErrorCode::not_found : ErrorCode::unavailable;
  co_return error(code, "{} answered {}: {}", server_.url.authority(), answer->status,
                  answer->body.substr(0, reason_bytes_max));
}

void QueueConsumer::back_off() { backoff_ = std::min(backoff_ * 2, backoff_max); }

// Until the server has the queue; false when the service stops first.
runtime::Task<bool> QueueConsumer::declare() {
  while (!stopping_) {
    auto answer = co_await ask("PUT", "", queue_settings(options_), ask_timeout);
    if (answer) co_return true;
    if (backoff_ == backoff_first && !stopping_)
      spdlog::warn("{}: cannot be made: {}", queue_, answer.error().message);
    co_await pause(poll_timer_, backoff_);
    back_off();
  }
  co_return false;
}

runtime::Task<> QueueConsumer::poll() {
  bool declared = false;
  while (!stopping_) {
    if (!declared && !co_await declare()) co_return;
    declared = true;
    // Asks again when what waits has gone to the workers, so that a call brings several.
    while (!stopping_ && in_hand_ > static_cast<size_t>(std::max(1, options_.workers))) {
      co_await wait_for(room_bell_);
    }
    if (!stopping_) declared = co_await poll_once();
  }
}

// False when the queue has to be declared anew.
runtime::Task<bool> QueueConsumer::poll_once() {
  Json body = {{"max", std::min(room(), receive_max)}, {"wait", format_duration(poll_wait)}};
  if (options_.visibility) body["visibility"] = format_duration(visibility_);
  auto answer = co_await ask("POST", "/receive", std::move(body), poll_wait + ask_timeout);
  if (!answer) {
    if (backoff_ == backoff_first && !stopping_)
      spdlog::warn("{}: cannot be read: {}", queue_, answer.error().message);
    co_await pause(poll_timer_, backoff_);
    back_off();
    co_return answer.error().code != ErrorCode::not_found;
  }
  Json received = Json::parse(answer->body, nullptr, false);
  if (!received.is_object() || !received.contains("messages") || !received["messages"].is_array()) {
    spdlog::warn("{}: {} answered something that is no list of messages", queue_, server_.url.authority());
    co_await pause(poll_timer_, backoff_max);
    co_return true;
  }
  backoff_ = backoff_first;
  for (const Json& message : received["messages"]) take(message);
  co_return true;
}

size_t QueueConsumer::room() const { return in_hand_max_ - std::min(in_hand_max_, in_hand_); }

void QueueConsumer::take(const Json& message) {
  if (!message.is_object() || !message.contains("lease") || !message["lease"].is_string()) return;
  auto lease = message["lease"].get<std::string>();
  leases_.insert(lease);
  ++in_hand_;
  auto event = event_from_message(message, queue_);
  if (!event) return finished(lease, {Handled::dead, event.error().message});
  work_async(std::move(lease), std::move(*event));
}

void QueueConsumer::work_async(std::string lease, Event event) {
  auto work = [self = shared_from_this(), lease, event = std::move(event)] {
    HandledEvent handled =
        self->stopping_ ? HandledEvent{Handled::back, "the service stops"} : self->handle_(event);
    asio::post(self->poll_timer_.get_executor(), [self, lease, handled = std::move(handled)]() mutable {
      self->finished(lease, std::move(handled));
    });
  };
  if (!workers_.submit_async(std::move(work))) finished(lease, {Handled::back, "the service stops"});
}

void QueueConsumer::finished(const std::string& lease, HandledEvent event) {
  --in_hand_;
  if (event.what == Handled::done) {
    done_.push_back(lease);
  } else {
    failed_.push_back({lease, std::move(event)});
  }
  room_bell_.cancel();
  settle_bell_.cancel();
}

// What came together while the call before was under way goes with the next.
runtime::Task<> QueueConsumer::settle() {
  auto self = shared_from_this();
  Duration wait = backoff_first;
  while (true) {
    while (done_.empty() && failed_.empty()) {
      if (stopping_ && in_hand_ == 0 && !polling_) co_return;
      co_await wait_for(settle_bell_);
    }
    settling_ = true;
    bool settled = co_await acknowledge();
    settled = settled && co_await give_back_failed();
    settling_ = false;
    if (settled) {
      wait = backoff_first;
      settle_bell_.cancel();
      continue;
    }
    co_await pause(settle_bell_, wait);
    wait = std::min(wait * 2, backoff_max);
  }
}

runtime::Task<bool> QueueConsumer::acknowledge() {
  if (done_.empty()) co_return true;
  std::vector<std::string> leases(
      done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(std::min(done_.size(), settle_max)));
  auto answer = co_await ask("POST", "/ack", {{"leases", leases}}, ask_timeout);
  if (!answer) {
    spdlog::warn("{}: cannot acknowledge {} messages: {}", queue_, leases.size(), answer.error().message);
    if (answer.error().code != ErrorCode::not_found) co_return false;
  }
  // A lease that has run out means that the event comes again; the inbox knows it.
  done_.erase(done_.begin(), done_.begin() + static_cast<std::ptrdiff_t>(leases.size()));
  for (const std::string& lease : leases) leases_.erase(lease);
  co_return true;
}

runtime::Task<bool> QueueConsumer::give_back_failed() {
  while (!failed_.empty()) {
    Failed failed = failed_.front();
    Json body = {{"leases", {failed.lease}}, {"reason", failed.event.reason.substr(0, reason_bytes_max)}};
    if (failed.event.what == Handled::dead) body["dead"] = true;
    if (failed.event.what == Handled::back) body["delay"] = "0s";
    auto answer = co_await ask("POST", "/nack", std::move(body), ask_timeout);
    if (!answer) {
      spdlog::warn("{}: cannot give back a message: {}", queue_, answer.error().message);
      if (answer.error().code != ErrorCode::not_found) co_return false;
    }
    failed_.erase(failed_.begin());
    leases_.erase(failed.lease);
  }
  co_return true;
}

runtime::Task<> QueueConsumer::extend() {
  auto self = shared_from_this();
  while (!stopping_ || !leases_.empty()) {
    co_await pause(extend_timer_, visibility_ / 3);
    if (leases_.empty()) continue;
    std::vector<std::string> leases(leases_.begin(), leases_.end());
    Json body = {{"leases", leases}, {"visibility", format_duration(visibility_)}};
    auto answer = co_await ask("POST", "/extend", std::move(body), visibility_ / 3);
    if (!answer)
      spdlog::warn("{}: cannot extend {} leases: {}", queue_, leases.size(), answer.error().message);
  }
}

runtime::Task<bool> QueueConsumer::stop(Deadline deadline) {
  auto self = shared_from_this();
  stopping_ = true;
  end_poll_.emit(asio::cancellation_type::terminal);
  poll_timer_.cancel();
  room_bell_.cancel();
  settle_bell_.cancel();
  asio::steady_timer timer(poll_timer_.get_executor());
  auto busy = [&] { return polling_ || in_hand_ > 0 || !done_.empty() || !failed_.empty() || settling_; };
  while (busy() && !deadline.passed(system_clock())) co_await pause(timer, std::chrono::milliseconds(2));
  extend_timer_.cancel();
  settle_bell_.cancel();
  co_return !busy();
}

}  // namespace pabal::sdk
