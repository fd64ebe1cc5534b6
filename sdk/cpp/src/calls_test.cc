#include <atomic>

#include "service_fixture.h"

namespace pabal::sdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

// Two services: order calls payment, whose answers a test decides.
class Calls : public ServiceFixture {
 protected:
  Calls() {
    payment_.http("POST", "/charges", [this](const Request& request) -> Result<Response> {
      last_ = request;
      int status = statuses_.empty() ? 200 : statuses_.at(std::min(calls_.load(), statuses_.size() - 1));
      ++calls_;
      if (status == 0) hang_.get_future().wait();
      return Response{.status = status, .body = {{"detail", "said payment"}}};
    });
    EXPECT_TRUE(payment_.start());
  }
  ~Calls() override {
    if (order_) order_->stop();
    payment_.stop();
  }

  // On a busy machine an answer may take seconds.
  static constexpr Policy patient{.timeout = 30s, .try_timeout = 30s};

  Peer& payment(Policy policy = patient) {
    order_ = std::make_unique<Service>(options("order"));
    order_->peer("payment", "http://" + payment_.address(), policy);
    order_->peer("nobody", "http://127.0.0.1:1", policy);
    EXPECT_TRUE(order_->start());
    return order_->call("payment");
  }

  std::vector<int> statuses_;  // of one call after the other; 0 hangs
  std::atomic<size_t> calls_ = 0;
  std::promise<void> hang_;
  Request last_;
  Service payment_{options("payment")};
  std::unique_ptr<Service> order_;
};

TEST_F(Calls, bring_the_answer_good_or_bad) {
  statuses_ = {200, 402};
  Peer& peer = payment();
  auto paid = peer.post("/charges", {{"amount", "12.50"}});
  ASSERT_TRUE(paid) << paid.error().message;
  EXPECT_TRUE(paid->ok());
  EXPECT_EQ(paid->body["detail"], "said payment");
  EXPECT_EQ(Json::parse(last_.body)["amount"], "12.50");
  EXPECT_EQ(last_.header("Pabal-Service"), "order");
  auto declined = peer.post("/charges", {});
  ASSERT_TRUE(declined);
  EXPECT_EQ(declined->status, 402);
  EXPECT_FALSE(declined->ok());
}

TEST_F(Calls, are_repeated_when_that_is_safe) {
  statuses_ = {503, 500, 200};
  Peer& peer = payment();
  auto paid = peer.post("/charges", {}, "O-1");
  ASSERT_TRUE(paid) << paid.error().message;
  EXPECT_EQ(calls_, 3U);
  EXPECT_EQ(last_.header("Idempotency-Key"), "\"O-1\"");
}

TEST_F(Calls, are_not_repeated_when_it_is_not) {
  statuses_ = {500, 200};
  auto paid = payment().post("/charges", {});
  ASSERT_FALSE(paid);
  EXPECT_EQ(paid.error().code, ErrorCode::peer_failed);
  EXPECT_EQ(paid.error().message, "payment answered 500: said payment");
  EXPECT_EQ(calls_, 1U);
}

TEST_F(Calls, end_by_their_deadline) {
  statuses_ = {0};
  Peer& peer = payment({.timeout = 1s, .try_timeout = 1s});
  auto paid = peer.post("/charges", {});  // or for ever, for payment answers only afterwards
  ASSERT_FALSE(paid);
  EXPECT_EQ(paid.error().code, ErrorCode::timed_out);
  hang_.set_value();
}

TEST_F(Calls, fail_fast_when_the_service_is_down) {
  (void)payment({.timeout = 30s,
                 .try_timeout = 30s,
                 .retry = {.tries_max = 1},
                 .breaker = {.window = 4, .calls_min = 4, .open_for = 1h}});
  for (int i = 0; i < 4; ++i) {
    EXPECT_EQ(order_->call("nobody").post("/", {}).error().code, ErrorCode::unreachable);
  }
  auto refused = order_->call("nobody").post("/", {});
  EXPECT_EQ(refused.error().code, ErrorCode::unavailable);
  EXPECT_THAT(refused.error().message, HasSubstr("4 of the last 4 calls failed"));
}

TEST_F(Calls, carry_the_correlation_and_are_reported) {
  Peer& peer = payment();
  publish("e-1");
  order_->stop();
  order_ = std::make_unique<Service>(options("order"));
  order_->peer("payment", "http://" + payment_.address(), patient);
  order_->on("order.progress", {.topic = "order.events"}, [&](Tx&, const Event&) -> Result<void> {
    tag("pabal.order", "O-1");
    auto paid = order_->call("payment").post("/charges?x=1", {});
    if (!paid) return std::unexpected(paid.error());
    return {};
  });
  (void)peer;
  ASSERT_TRUE(order_->start());
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == 1; }));
  EXPECT_EQ(last_.correlation_id, "flow-1");
  EXPECT_EQ(last_.header("Pabal-Causation"), "e-1");
  EXPECT_THAT(last_.header("traceparent").value(), HasSubstr("4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_TRUE(server_->wait_until([&] { return !server_->spans().empty(); }));
  Json resource = server_->spans()[0]["resourceSpans"][0];
  EXPECT_EQ(resource["resource"]["attributes"][0]["value"]["stringValue"], "order");
  Json span = resource["scopeSpans"][0]["spans"][0];
  EXPECT_EQ(span["name"], "POST /charges");
  EXPECT_EQ(span["kind"], 3);
  EXPECT_EQ(span["traceId"], "4bf92f3577b34da6a3ce929d0e0e4736");
  std::map<std::string, std::string> attributes;
  for (const Json& attribute : span["attributes"]) {
    const Json& value = attribute["value"];
    attributes[attribute["key"]] = value.contains("stringValue") ? value["stringValue"] : value["intValue"];
  }
  EXPECT_EQ(attributes["peer.service"], "payment");
  EXPECT_EQ(attributes["http.response.status_code"], "200");
  EXPECT_EQ(attributes["correlationid"], "flow-1");
  EXPECT_EQ(attributes["pabal.order"], "O-1");
}

// Publishing without the outbox.
class Publishing : public ServiceFixture {};

TEST_F(Publishing, is_durable_when_it_returns) {
  Service service(options("order"));
  ASSERT_TRUE(service.start());
  auto id = service.publish({.type = "OrderCreated", .key = "O-1", .data = {{"n", 1}}});
  ASSERT_TRUE(id) << id.error().message;
  auto records = server_->records("order.events");
  ASSERT_EQ(records.size(), 1U);
  EXPECT_EQ(records[0].headers["ce_id"], *id);
  EXPECT_EQ(records[0].service, "order");
  EXPECT_EQ(service.publish({.type = "", .key = "O-1"}).error().code, ErrorCode::invalid) << "no type";
}

TEST_F(Publishing, is_tried_again_until_the_time_is_over_and_stored_once) {
  Service service(options("order"));
  ASSERT_TRUE(service.start());
  server_->set_fault(relay::FakeServer::Fault::lose_answers);
  auto sent = std::async(std::launch::async, [&] { return service.publish({.type = "OrderCreated"}); });
  EXPECT_TRUE(server_->wait_until([&] { return server_->records("order.events").size() == 1; }));
  server_->set_fault(relay::FakeServer::Fault::none);
  EXPECT_TRUE(sent.get());
  EXPECT_EQ(server_->records("order.events").size(), 1U);
}

TEST_F(Publishing, gives_up_after_its_time) {
  Service::Options hasty = options("order");
  hasty.publish_timeout = 100ms;
  Service service(hasty);
  ASSERT_TRUE(service.start());
  server_->set_fault(relay::FakeServer::Fault::refuse_new);
  auto sent = service.publish({.type = "OrderCreated"});
  ASSERT_FALSE(sent);
  EXPECT_EQ(sent.error().code, ErrorCode::unavailable);
  // Because the server was full or, where this machine is busy, because it said so too late.
  EXPECT_THAT(sent.error().message, HasSubstr("OrderCreated for order.events was not published: "));
}

TEST_F(Publishing, counts_what_it_ignores) {
  Service service(options("order"));
  ASSERT_TRUE(service.start());
  server_->set_fault(relay::FakeServer::Fault::refuse_new);
  EXPECT_TRUE(service.publish({.type = "PageSeen"}, OnFailure::ignore));
  EXPECT_EQ(service.counters().publish_ignored, 1U);
}

TEST_F(Publishing, notes_what_fails_and_sends_it_by_itself) {
  Service service(options("order"));
  ASSERT_TRUE(service.start());
  server_->set_fault(relay::FakeServer::Fault::refuse_new);
  EXPECT_TRUE(service.publish({.type = "OrderCreated", .key = "O-1"}, OnFailure::log));
  EXPECT_EQ(service.counters().publish_logged, 1U);
  auto noted = outbox(service, relay::OutboxTable::publish_failures);
  ASSERT_EQ(noted.size(), 1U);
  EXPECT_THAT(noted[0].last_error, HasSubstr("full on purpose"));
  server_->set_fault(relay::FakeServer::Fault::none);
  EXPECT_TRUE(server_->wait_until([&] { return server_->records("order.events").size() == 1; }));
  EXPECT_TRUE(server_->wait_until(
      [&] { return outbox(service, relay::OutboxTable::publish_failures)[0].status == "done"; }));
}

TEST_F(Publishing, notes_an_event_once_however_often_its_author_repeats_it) {
  Service service(options("order"));
  ASSERT_TRUE(service.start());
  server_->set_fault(relay::FakeServer::Fault::refuse_new);
  for (int i = 0; i < 3; ++i) {
    EXPECT_TRUE(service.publish({.type = "OrderCreated", .key = "O-1", .id = "created-O-1"}, OnFailure::log));
  }
  EXPECT_EQ(outbox(service, relay::OutboxTable::publish_failures).size(), 1U);
}

TEST_F(Publishing, sends_what_was_refused_again_when_told_to) {
  Service service(options("order"));
  ASSERT_TRUE(service.start());
  server_->refuse_key("bad");
  EXPECT_TRUE(service.publish({.type = "OrderCreated", .key = "bad"}, OnFailure::log));
  auto status = [&] { return outbox(service, relay::OutboxTable::publish_failures)[0].status; };
  EXPECT_TRUE(server_->wait_until([&] { return status() == "failed"; }));
  ASSERT_TRUE(service.write(
      [](Tx& tx) { return tx.run("UPDATE publish_failures SET key = 'good' WHERE status = 'failed'"); }));
  EXPECT_EQ(service.retry_refused().value(), 1);
  EXPECT_TRUE(server_->wait_until([&] { return status() == "done"; }));
}

}  // namespace
}  // namespace pabal::sdk
