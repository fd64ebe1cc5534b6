#include "shop/story/customers.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <mutex>
#include <thread>

#include "runtime/http_server.h"

namespace shop {
namespace {

using Outcome = Attempt::Outcome;
using pabal::runtime::HttpRequest;
using pabal::runtime::HttpResponse;
using testing::ElementsAre;

// An order service that answers as the test says, and remembers what it was asked.
class FakeOrderService {
 public:
  using Answer = std::function<int(const Json& order, const HttpRequest& request)>;  // a status; 0: never

  explicit FakeOrderService(Answer answer) : answer_(std::move(answer)) {
    auto server = pabal::runtime::HttpServer::listen(
        {}, {io_.get_executor()}, [this](HttpRequest request) { return serve(std::move(request)); });
    EXPECT_TRUE(server);
    server_ = std::move(*server);
    thread_ = std::thread([this] { io_.run(); });
  }
  ~FakeOrderService() {
    io_.stop();
    thread_.join();
  }
  std::string address() const { return server_->address(); }
  std::vector<std::string> asked() {
    std::lock_guard lock(mutex_);
    return asked_;
  }

 private:
  pabal::runtime::Task<HttpResponse> serve(HttpRequest request) {
    int status = 0;
    {
      std::lock_guard lock(mutex_);
      Json order = Json::parse(request.body);
      asked_.push_back(order["order_id"]);
      status = answer_(order, request);
    }
    if (status == 0) {
      boost::asio::steady_timer never(io_, std::chrono::hours(1));
      co_await never.async_wait(boost::asio::use_awaitable);
    }
    co_return HttpResponse{.status = status};
  }

  Answer answer_;
  std::mutex mutex_;
  std::vector<std::string> asked_;
  boost::asio::io_context io_{1};
  boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
  std::unique_ptr<pabal::runtime::HttpServer> server_;
  std::thread thread_;
};

std::vector<Purchase> purchases(const std::vector<std::string>& invoices) {
  std::vector<Purchase> result;
  for (const std::string& invoice : invoices) {
    result.push_back({.invoice = invoice, .cancellation = invoice.starts_with('C'), .customer = "7"});
  }
  return result;
}

std::vector<std::pair<std::string, Outcome>> told(const std::vector<Attempt>& attempts) {
  std::vector<std::pair<std::string, Outcome>> result;
  for (const Attempt& attempt : attempts) result.emplace_back(attempt.order_id, attempt.outcome);
  return result;
}

std::vector<Attempt> serve(FakeOrderService& service, const std::vector<std::string>& invoices,
                           Customers::Options options) {
  options.order_address = service.address();
  StopSwitch stop;
  auto crowd = purchases(invoices);
  return Customers::make(std::move(options), crowd)->run(stop);
}

TEST(Customers, WhoIsToldYesIsContent) {
  FakeOrderService service([](const Json&, const HttpRequest&) { return 201; });
  auto attempts = serve(service, {"1", "2"}, {.mode = "hybrid"});
  EXPECT_THAT(told(attempts), ElementsAre(std::pair("1", Outcome::ok), std::pair("2", Outcome::ok)));
}

TEST(Customers, WhoIsToldThatItFailedOrdersAgainAsANewOrderAtMostTwice) {
  FakeOrderService service(
      [](const Json& order, const HttpRequest&) { return order["invoice"] == "1" ? 503 : 201; });
  auto attempts = serve(service, {"1"}, {.mode = "chain"});
  EXPECT_THAT(told(attempts), ElementsAre(std::pair("1", Outcome::failed), std::pair("1-2", Outcome::failed),
                                          std::pair("1-3", Outcome::failed)));
}

TEST(Customers, WhoHearsNothingWithinHisPatienceOrdersAgain) {
  FakeOrderService service(
      [](const Json& order, const HttpRequest&) { return order["order_id"] == "1" ? 0 : 201; });
  auto attempts = serve(service, {"1"}, {.mode = "chain", .patience = std::chrono::milliseconds(50)});
  // The second order is answered, but on a busy machine perhaps not within his patience either.
  ASSERT_GE(attempts.size(), 2U);
  EXPECT_EQ(told(attempts)[0], std::pair(std::string("1"), Outcome::failed));
  EXPECT_EQ(attempts[1].order_id, "1-2");
}

TEST(Customers, WithTheSameKeyTheSameOrderIsRepeated) {
  int calls = 0;
  FakeOrderService service([&](const Json&, const HttpRequest&) { return ++calls < 3 ? 503 : 201; });
  auto attempts = serve(service, {"1"}, {.mode = "chain", .same_key = true});
  EXPECT_THAT(told(attempts), ElementsAre(std::pair("1", Outcome::ok)));
  EXPECT_THAT(service.asked(), ElementsAre("1", "1", "1"));
}

TEST(Customers, ARejectionIsAnAnswerAndCancellationsGoTheirOwnWay) {
  std::string target;
  FakeOrderService service([&](const Json&, const HttpRequest& request) {
    if (request.target.contains("cancel")) target = request.target;
    return request.target.contains("cancel") ? 200 : 409;
  });
  auto attempts = serve(service, {"1", "C2"}, {.mode = "async"});
  EXPECT_THAT(told(attempts), ElementsAre(std::pair("1", Outcome::rejected), std::pair("C2", Outcome::ok)));
  EXPECT_EQ(target, "/orders/C2/cancel?mode=async");
}

TEST(Customers, WhereNobodyListensTheBrowserTriesUntilHisPatienceEnds) {
  StopSwitch stop;
  auto crowd = purchases({"1"});
  auto start = std::chrono::steady_clock::now();
  auto attempts =
      Customers::make(
          {.order_address = "127.0.0.1:1", .mode = "hybrid", .patience = std::chrono::milliseconds(60)},
          crowd)
          ->run(stop);
  EXPECT_EQ(attempts.size(), 3U);
  EXPECT_GE(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(180));
}

TEST(Customers, ComeWhenTheScheduleSays) {
  FakeOrderService service([](const Json&, const HttpRequest&) { return 201; });
  auto before = std::chrono::system_clock::now().time_since_epoch();
  auto attempts =
      serve(service, {"1", "2", "3"},
            {.mode = "hybrid", .schedule = [](size_t n) { return std::chrono::milliseconds(40 * n); }});
  ASSERT_EQ(attempts.size(), 3U);
  EXPECT_GE(std::chrono::microseconds(attempts[2].sent_us) - before, std::chrono::milliseconds(79));
}

}  // namespace
}  // namespace shop
