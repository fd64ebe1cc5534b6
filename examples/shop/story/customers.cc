#include "shop/story/customers.h"

#include <atomic>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <map>

#include "base/check.h"
#include "runtime/http_client.h"

namespace shop {
namespace {

namespace asio = boost::asio;
namespace runtime = pabal::runtime;
using Outcome = Attempt::Outcome;

constexpr std::chrono::milliseconds pause_after_a_broken_connection{20};

int64_t wall_us() {
  auto since = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::microseconds>(since).count();
}

Order order_of(const Purchase& purchase, int number) {
  Order order{.id = number == 1 ? purchase.invoice : fmt::format("{}-{}", purchase.invoice, number),
              .invoice = purchase.invoice,
              .customer = purchase.customer,
              .country = purchase.country,
              .lines = purchase.lines};
  order.email = (order.customer.empty() ? "guest-" + order.invoice : order.customer) + "@customers.example";
  return order;
}

class RealCustomers : public Customers {
 public:
  RealCustomers(Options options, const std::vector<Purchase>& purchases)
      : options_(std::move(options)),
        purchases_(purchases),
        client_(runtime::HttpClient::make(io_.get_executor(), {.idle_connections_per_host_max = 512})) {
    auto url = runtime::Url::parse("http://" + options_.order_address);
    pabal::check(url.has_value(), "the address of order is \"{}\"", options_.order_address);
    order_service_ = *url;
  }

  std::vector<Attempt> run(const StopSwitch& stop) override {
    stop_ = &stop;
    start_ = std::chrono::steady_clock::now();
    size_t at_a_time = options_.schedule ? purchases_.size() : static_cast<size_t>(options_.concurrency);
    if (at_a_time == 0) return {};
    // The client's timers may last longer than the last customer: who leaves last turns off the light.
    present_ = at_a_time;
    for (size_t i = 0; i < at_a_time; ++i) {
      asio::co_spawn(io_, options_.schedule ? come_at_his_time(i) : one_after_another(),
                     [this](const auto& thrown) {
                       pabal::check(!thrown, "a customer threw");
                       if (--present_ == 0) io_.stop();
                     });
    }
    io_.run();
    std::vector<Attempt> result;
    for (auto& [order_id, attempt] : attempts_) result.push_back(std::move(attempt));
    return result;
  }

  Progress progress() const override {
    return {purchases_.size(), served_.load(), answered_.load(), failed_.load(), last_response_us_.load()};
  }

 private:
  runtime::Task<> come_at_his_time(size_t n) {
    asio::steady_timer timer(io_, start_ + options_.schedule(n));
    co_await timer.async_wait(asio::use_awaitable);
    if (!stop_->stopped()) co_await serve(n);
  }

  runtime::Task<> one_after_another() {
    while (next_ < purchases_.size() && !stop_->stopped()) co_await serve(next_++);
  }

  runtime::Task<> serve(size_t n) {
    for (int number = 1; number <= orders_max; ++number) {
      Order order = order_of(purchases_[n], options_.same_key ? 1 : number);
      if (options_.edit) options_.edit(n, order);
      int64_t sent = wall_us();
      Outcome outcome = co_await place(order, purchases_[n].cancellation);
      note(order, outcome, sent, wall_us());
      if (outcome != Outcome::failed) break;
    }
    ++served_;
  }

  // With --same-key the repetitions are one order, which takes as long as all of them.
  void note(const Order& order, Outcome outcome, int64_t sent, int64_t answered) {
    auto [place, first] =
        attempts_.try_emplace(order.id, Attempt{order.id, order.invoice, outcome, sent, answered});
    place->second.outcome = outcome;
    place->second.answered_us = answered;
    (outcome == Outcome::failed ? failed_ : answered_) += 1;
    if (outcome != Outcome::failed) last_response_us_ = answered - sent;
  }

  runtime::Task<Outcome> place(const Order& order, bool cancellation) {
    auto deadline = pabal::Deadline::after(pabal::system_clock(), options_.patience);
    runtime::HttpRequest request{.method = "POST"};
    request.target = (cancellation ? "/orders/" + order.id + "/cancel" : std::string("/orders")) +
                     "?mode=" + options_.mode;
    request.fields.add("Content-Type", "application/json");
    request.fields.add("Idempotency-Key", "\"" + order.id + "\"");
    request.fields.add("Correlation-Id", order.id);
    int64_t patience_us = std::chrono::microseconds(options_.patience).count();
    request.fields.add("Answer-By", std::to_string((wall_us() + patience_us) / 1'000));
    request.body = to_json(order).dump();
    for (;;) {
      auto response = co_await client_->request(order_service_, request, deadline);
      if (response) co_return told(response->status);
      bool broken =
          response.error().code == ErrorCode::peer_failed || response.error().code == ErrorCode::unreachable;
      if (!broken || deadline.passed(pabal::system_clock())) co_return Outcome::failed;
      asio::steady_timer timer(io_, pause_after_a_broken_connection);
      co_await timer.async_wait(asio::use_awaitable);
    }
  }

  static Outcome told(int status) {
    return status / 100 == 2 ? Outcome::ok : status == 409 ? Outcome::rejected : Outcome::failed;
  }

  Options options_;
  const std::vector<Purchase>& purchases_;
  asio::io_context io_{1};
  std::unique_ptr<runtime::HttpClient> client_;
  runtime::Url order_service_;
  const StopSwitch* stop_ = nullptr;
  std::chrono::steady_clock::time_point start_;
  size_t present_ = 0;
  size_t next_ = 0;
  std::map<std::string, Attempt> attempts_;
  std::atomic<size_t> served_ = 0;  // this and the next are read by whoever shows the progress
  std::atomic<int64_t> answered_ = 0;
  std::atomic<int64_t> failed_ = 0;
  std::atomic<int64_t> last_response_us_ = 0;
};

}  // namespace

std::unique_ptr<Customers> Customers::make(Options options, const std::vector<Purchase>& purchases) {
  return std::make_unique<RealCustomers>(std::move(options), purchases);
}

}  // namespace shop
