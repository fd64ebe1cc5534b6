#include "flows/subscription.h"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <cmath>

#include "base/logging.h"
#include "flows/push_request.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;

constexpr Duration receive_wait = 60s;
constexpr Duration lease_margin = 15s;  // beyond the endpoint's time, so that the lease outlives the request
constexpr Duration broker_pause = 1s;   // after the broker could not answer
constexpr size_t service_name_bytes_max = 249;
constexpr int messages_at_once_max = 1'000;

// An address in letters names its service best of all that is known before it has answered.
std::string name_of(const runtime::Url& url) {
  bool is_number = std::ranges::all_of(url.host, [](char c) { return (c >= '0' && c <= '9') || c == '.'; });
  bool is_name = !is_number && url.host.find(':') == std::string::npos && url.host != "localhost";
  return is_name ? url.host : url.authority();
}

}  // namespace

void Subscription::set(broker::PushSettings settings) {
  auto url = runtime::Url::parse(settings.url);
  if (!url) {
    spdlog::warn("push: queue \"{}\" cannot be pushed: {}", queue_, url.error().message);
    return stop();
  }
  if (settings.url != settings_.url) {
    consumer_ = name_of(*url);
    end_rest(true);
  }
  settings_ = std::move(settings);
  url_ = std::move(*url);
  stopping_ = false;
  if (running_) {
    wake_->wake();
    return;
  }
  running_ = true;
  wake_.emplace(parts_.shard.timers());
  asio::co_spawn(
      parts_.shard.executor(), [self = shared_from_this()] { return self->run(); }, asio::detached);
}

void Subscription::stop() {
  stopping_ = true;
  end_rest(true);
  if (wake_) wake_->wake();
}

void Subscription::abandon() {
  abandoned_ = true;
  stop();
}

int Subscription::room() const {
  if (!is_resting()) return std::min(settings_.concurrency - in_flight_, messages_at_once_max);
  bool may_probe = in_flight_ == 0 && parts_.shard.timers().clock().now() >= *rest_until_;
  return may_probe ? 1 : 0;
}

runtime::Task<> Subscription::run() {
  auto self = shared_from_this();
  while (!stopping_) {
    if (int count = room(); count > 0) {
      if (!co_await take(count)) break;
    } else {
      bool until_probe = is_resting() && in_flight_ == 0;
      co_await wake_->wait_until(until_probe ? *rest_until_ : Instant::max());
    }
  }
  running_ = false;
}

// False when the queue is gone.
runtime::Task<bool> Subscription::take(int count) {
  auto messages = co_await parts_.broker.receive({.queue = queue_,
                                                  .max = count,
                                                  .wait = receive_wait,
                                                  .visibility = settings_.timeout + lease_margin,
                                                  .service = consumer_,
                                                  .via = "push"});
  if (!messages) {
    if (messages.error().code == ErrorCode::not_found) co_return false;
    if (!stopping_) co_await wake_->wait_until(parts_.shard.timers().clock().now() + broker_pause);
    co_return true;
  }
  if (abandoned_) co_return false;
  // Things may have changed while it waited.
  int may_go = stopping_ ? 0 : std::max(room(), 0);
  for (auto& message : *messages) {
    if (may_go-- <= 0) {
      std::string reason =
          is_resting() ? "not sent: the endpoint rests" : "not sent: push was stopped or changed";
      co_await give_back(std::move(message.lease), std::move(reason), Duration::zero());
      continue;
    }
    ++in_flight_;
    asio::co_spawn(
        parts_.shard.executor(),
        [self = shared_from_this(), m = std::move(message)]() mutable { return self->deliver(std::move(m)); },
        asio::detached);
  }
  co_return true;
}

runtime::Task<> Subscription::deliver(broker::Message message) {
  auto self = shared_from_this();
  const Clock& clock = parts_.shard.timers().clock();
  auto request = push_request(queue_, settings_, url_, message, clock.wall_now());
  runtime::Url url = url_;
  auto answer =
      co_await parts_.client->request(url, std::move(request), Deadline::after(clock, settings_.timeout));
  if (abandoned_) co_return;
  if (answer) take_name(answer->fields.get("Pabal-Service"));
  co_await settle(message, push_verdict(answer, clock.wall_now()));
  --in_flight_;
  wake_->wake();
}

void Subscription::take_name(std::string_view name) {
  if (name.empty() || name.size() > service_name_bytes_max || name == consumer_) return;
  parts_.observatory.named(queue_, consumer_, std::string(name));
  consumer_ = name;
}

runtime::Task<> Subscription::settle(const broker::Message& message, PushVerdict verdict) {
  using Kind = PushVerdict::Kind;
  if (verdict.kind != Kind::rest) end_rest(false);
  std::vector<std::string> leases = {message.lease};
  switch (verdict.kind) {
    case Kind::ack: {
      auto done = co_await parts_.broker.ack(queue_, leases);
      if (!done) spdlog::warn("push: an ack in queue \"{}\" failed: {}", queue_, done.error().message);
      break;
    }
    case Kind::dead:
      (void)co_await parts_.broker.nack(
          queue_, {.leases = leases, .delay = {}, .reason = std::move(verdict.reason), .dead = true});
      break;
    case Kind::nack:
      (void)co_await parts_.broker.nack(queue_,
                                        {.leases = leases, .delay = {}, .reason = std::move(verdict.reason)});
      break;
    case Kind::pause:
      (void)co_await parts_.broker.pause(queue_);
      co_await give_back(message.lease, std::move(verdict.reason), Duration::zero());
      break;
    case Kind::rest: {
      rest(verdict);
      parts_.observatory.returned(message, queue_, consumer_, verdict.reason);
      // One message that is never answered must not hold up the others: they go before its next try.
      Duration left = rest_until_ ? *rest_until_ - parts_.shard.timers().clock().now() : Duration::zero();
      Duration delay = verdict.silent ? 2 * std::max(left, Duration::zero()) : Duration::zero();
      co_await give_back(message.lease, std::move(verdict.reason), delay);
      break;
    }
  }
}

runtime::Task<> Subscription::give_back(std::string lease, std::string reason, Duration delay) {
  std::vector<std::string> leases = {std::move(lease)};
  broker::Nack nack{
      .leases = std::move(leases), .delay = delay, .reason = std::move(reason), .counts = false};
  (void)co_await parts_.broker.nack(queue_, std::move(nack));
}

void Subscription::rest(const PushVerdict& verdict) {
  if (stopping_) return;
  Instant now = parts_.shard.timers().clock().now();
  WallTime wall_now = parts_.shard.timers().clock().wall_now();
  // Requests that were already out when the rest began say nothing new.
  if (rest_until_ && now < *rest_until_ && !verdict.retry_after) return;
  if (!rest_until_) rest_since_ = wall_now;
  double factor = std::pow(2.0, std::min(rests_, 20)) * (0.8 + 0.4 * parts_.shard.random().unit());
  auto grown = std::chrono::duration_cast<Duration>(parts_.options.rest_first * factor);
  Duration rest = std::min(grown, parts_.options.rest_max);
  ++rests_;
  if (verdict.retry_after) {
    rest = std::max(rest, std::min(*verdict.retry_after, parts_.options.retry_after_max));
    rest_demanded_ = true;
  }
  rest_until_ = now + rest;
  parts_.observatory.resting({.queue = queue_,
                              .url = settings_.url,
                              .reason = verdict.reason,
                              .since = rest_since_,
                              .next_probe = wall_now + std::chrono::ceil<std::chrono::milliseconds>(rest)});
}

void Subscription::end_rest(bool even_if_demanded) {
  if (!rest_until_) return;
  bool demanded = rest_demanded_ && parts_.shard.timers().clock().now() < *rest_until_;
  if (demanded && !even_if_demanded) return;
  rest_until_.reset();
  rests_ = 0;
  rest_demanded_ = false;
  parts_.observatory.rested(queue_);
}

}  // namespace pabal::flows
