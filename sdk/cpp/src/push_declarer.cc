#include "push_declarer.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>

#include "base/logging.h"

namespace pabal::sdk {

namespace {

constexpr Duration ask_timeout = std::chrono::seconds(10);
constexpr Duration backoff_first = std::chrono::milliseconds(20);
constexpr Duration backoff_max = std::chrono::seconds(1);
constexpr size_t reason_bytes_max = 500;

}  // namespace

PushDeclarer::PushDeclarer(runtime::Executor executor, ServerAccess server, std::string queue, Json settings)
    : server_(std::move(server)),
      queue_(std::move(queue)),
      settings_(std::move(settings)),
      client_(runtime::HttpClient::make(executor)),
      timer_(executor) {}

void PushDeclarer::start() {
  asio::co_spawn(
      timer_.get_executor(), [self = shared_from_this()] { return self->declare(); }, asio::detached);
}

void PushDeclarer::stop() {
  stopping_ = true;
  timer_.cancel();
}

runtime::Task<> PushDeclarer::declare() {
  auto self = shared_from_this();
  std::string target = "/v1/queues/" + runtime::percent_encode(queue_);
  for (Duration backoff = backoff_first; !stopping_; backoff = std::min(backoff * 2, backoff_max)) {
    auto answer = co_await client_->request(server_.url, server_.request("PUT", target, settings_.dump()),
                                            Deadline::after(system_clock(), ask_timeout));
    if (answer && answer->status / 100 == 2) co_return;
    if (backoff == backoff_first) {
      spdlog::warn("{}: cannot be made: {}", queue_,
                   answer ? answer->body.substr(0, reason_bytes_max) : answer.error().message);
    }
    timer_.expires_after(backoff);
    (void)co_await timer_.async_wait(asio::as_tuple(asio::use_awaitable));
  }
}

}  // namespace pabal::sdk
