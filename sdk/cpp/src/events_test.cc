#include <atomic>

#include "service_fixture.h"

namespace pabal::sdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Events : public ServiceFixture {
 protected:
  static QueueOptions paid_orders() {
    return {.topic = "order.events", .types = {"OrderPaid"}, .workers = 2, .visibility = 5s};
  }
  // Notes each event in a table.
  static Result<void> note(Tx& tx, const Event& event) {
    auto inserted = tx.run("INSERT INTO shipments VALUES(?)", event.id);
    if (!inserted) return std::unexpected(inserted.error());
    return {};
  }
  static void make_table(Service& service) {
    service.tables({"CREATE TABLE IF NOT EXISTS shipments(id TEXT)"});
  }
};

TEST_F(Events, are_handled_once_each_and_acknowledged_after_the_commit) {
  Service service(options());
  make_table(service);
  service.on("shipping.start", paid_orders(), [](Tx& tx, const Event& event) { return note(tx, event); });
  ASSERT_TRUE(service.start());
  publish("e-1");
  publish("e-other", "OrderCreated");
  publish("e-2");
  publish("e-1");  // published twice, as a retry without a key would
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == 3; }));
  EXPECT_EQ(count(service, "shipments"), 2);
  EXPECT_EQ(service.counters().handled, 2U);
  EXPECT_EQ(service.counters().duplicates, 1U);
  Json settings = server_->queue("shipping.start");
  EXPECT_EQ(settings["topic"], "order.events");
  EXPECT_EQ(settings["from"], "earliest");
  EXPECT_EQ(settings["filter"]["type"], Json({"OrderPaid"}));
}

TEST_F(Events, are_handled_once_when_the_acknowledgement_comes_too_late) {
  Service service(options());
  make_table(service);
  std::atomic<int> calls = 0;
  service.on("shipping.start", paid_orders(), [&](Tx& tx, const Event& event) {
    ++calls;
    server_->expire_leases();
    return note(tx, event);
  });
  ASSERT_TRUE(service.start());
  publish("e-1");
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == 1; }));
  EXPECT_EQ(count(service, "shipments"), 1);
  // The acknowledgement may be that of the second delivery, whose worker overtook the first after its commit.
  EXPECT_TRUE(server_->wait_until([&] { return service.counters().handled > 0; }));
  EXPECT_EQ(service.counters().handled, 1U);
}

TEST_F(Events, leave_nothing_behind_when_the_handler_fails_and_come_again) {
  Service service(options());
  make_table(service);
  std::atomic<int> calls = 0;
  service.on("shipping.start", paid_orders(), [&](Tx& tx, const Event& event) -> Result<void> {
    EXPECT_EQ(event.delivery, calls + 1);
    if (auto noted = note(tx, event); !noted) return noted;
    if (auto sent = tx.publish({.type = "ShipmentStarted", .key = event.key}); !sent) {
      return std::unexpected(sent.error());
    }
    if (++calls == 1) return error(ErrorCode::unavailable, "no lorry");
    if (calls == 2) throw std::runtime_error("a flat tyre");
    return {};
  });
  ASSERT_TRUE(service.start());
  publish("e-1");
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == 1; }));
  EXPECT_EQ(count(service, "shipments"), 1);
  EXPECT_EQ(outbox(service).size(), 1U);
  auto nacks = server_->nacks();
  ASSERT_EQ(nacks.size(), 2U);
  EXPECT_EQ(nacks[0].reason, "no lorry");
  EXPECT_FALSE(nacks[0].dead);
  EXPECT_THAT(nacks[1].reason, HasSubstr("a flat tyre"));
  EXPECT_EQ(service.counters().failed, 2U);
}

TEST_F(Events, that_are_wrong_are_dead_letters_at_once) {
  Service service(options());
  service.on("shipping.start", paid_orders(), [](Tx&, const Event& event) -> Result<void> {
    auto address = event.text("address");
    if (!address) return std::unexpected(address.error());
    return {};
  });
  ASSERT_TRUE(service.start());
  publish("e-1", "OrderPaid", {{"address", 7}});
  publish("e-2", "OrderPaid", {{"address", "1 High Street"}});
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == 1 && server_->nacks().size() == 1; }));
  EXPECT_TRUE(server_->nacks()[0].dead);
  EXPECT_EQ(server_->nacks()[0].reason, "OrderPaid: 'address' is number and not a text in event e-1");
}

TEST_F(Events, pass_correlation_causation_and_trace_on_to_what_is_published) {
  Service service(options());
  service.on("shipping.start", paid_orders(), [](Tx& tx, const Event& event) -> Result<void> {
    EXPECT_EQ(current_context().causation_id, "e-1");
    auto sent = tx.publish({.type = "ShipmentStarted", .key = event.key, .data = {{"order", event.key}}});
    if (!sent) return std::unexpected(sent.error());
    return {};
  });
  ASSERT_TRUE(service.start());
  publish("e-1");
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == 1; }));
  auto rows = outbox(service);
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].topic, "shipping.events");
  EXPECT_EQ(rows[0].type, "ShipmentStarted");
  EXPECT_EQ(rows[0].key, "O-1");
  EXPECT_EQ(rows[0].payload, R"({"order":"O-1"})");
  Json headers = Json::parse(rows[0].headers);
  EXPECT_EQ(headers["correlationid"], "flow-1");
  EXPECT_EQ(headers["causationid"], "e-1");
  EXPECT_EQ(headers["ce_source"], "/shipping");
  EXPECT_THAT(headers["traceparent"].get<std::string>(), HasSubstr("4bf92f3577b34da6a3ce929d0e0e4736"));
  EXPECT_NE(headers["traceparent"].get<std::string>(), trace_);
}

TEST_F(Events, keep_their_lease_while_the_handler_is_at_work) {
  Service service(options());
  QueueOptions quick = paid_orders();
  quick.visibility = 60ms;
  service.on("shipping.start", quick, [&](Tx&, const Event&) -> Result<void> {
    EXPECT_TRUE(server_->wait_until([&] { return server_->extended() >= 2; }));
    return {};
  });
  ASSERT_TRUE(service.start());
  publish("e-1");
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == 1; }));
}

TEST_F(Events, are_handled_beside_each_other_while_work_outside_the_transaction_lasts) {
  Service service(options());
  make_table(service);
  std::atomic<int> at_work = 0;
  service.on("shipping.start", paid_orders(), [&](Tx& tx, const Event& event) {
    ++at_work;
    EXPECT_TRUE(server_->wait_until([&] { return at_work == 2; })) << "both at once";
    return note(tx, event);
  });
  ASSERT_TRUE(service.start());
  publish("e-1");
  publish("e-2");
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == 2; }));
}

TEST_F(Events, begin_to_come_when_the_server_does) {
  std::string address = server_->address();
  Service::Options early = options();
  server_.reset();
  Service service(early);
  make_table(service);
  service.on("shipping.start", paid_orders(), [](Tx& tx, const Event& event) { return note(tx, event); });
  ASSERT_TRUE(service.start());
  server_ = std::make_unique<relay::FakeServer>(address);
  publish("e-1");
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == 1; }));
  server_.reset();  // and goes
  server_ = std::make_unique<relay::FakeServer>(address);
  publish("e-2");
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == 1; })) << "the queue is declared anew";
  EXPECT_EQ(count(service, "shipments"), 2);
}

TEST_F(Events, at_work_are_finished_by_stop_and_the_others_given_back) {
  Service service(options());
  make_table(service);
  std::promise<void> begun;
  std::promise<void> go_on;
  std::atomic<int> calls = 0;
  QueueOptions one = paid_orders();
  one.workers = 1;
  service.on("shipping.start", one, [&](Tx& tx, const Event& event) {
    if (++calls == 1) {
      begun.set_value();
      go_on.get_future().wait();
    }
    return note(tx, event);
  });
  publish("e-1");
  publish("e-2");
  ASSERT_TRUE(service.start());
  begun.get_future().wait();
  auto stopped = std::async(std::launch::async, [&] { service.stop(); });
  go_on.set_value();
  stopped.get();
  EXPECT_EQ(server_->acked() + server_->nacks().size(), 2U);
  EXPECT_GE(server_->acked(), 1U);
}

TEST_F(Events, need_a_database) {
  Service::Options without = options();
  without.database.clear();
  Service service(without);
  service.on("shipping.start", paid_orders(), [](Tx&, const Event&) { return Result<void>(); });
  auto started = service.start();
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, HasSubstr("needs a database"));
}

// What the server would send.
runtime::HttpRequest pushed(const std::string& id, const std::string& body) {
  runtime::HttpRequest request{.method = "POST", .target = "/events/shipping.start", .body = body};
  request.fields.add("ce-id", id);
  request.fields.add("ce-type", "Order%20Paid");
  request.fields.add("correlationid", "flow-1");
  request.fields.add("Pabal-Key", "O%2F1");
  request.fields.add("Pabal-Delivery", "3");
  return request;
}

TEST_F(Events, that_are_pushed_are_answered_by_what_became_of_them) {
  Service service(options());
  make_table(service);
  service.on_push("shipping.start", {.topic = "order.events", .types = {"OrderPaid"}},
                  [](Tx& tx, const Event& event) -> Result<void> {
                    EXPECT_EQ(event.type, "Order Paid");
                    EXPECT_EQ(event.key, "O/1");
                    EXPECT_EQ(event.delivery, 3);
                    EXPECT_EQ(event.correlation_id, "flow-1");
                    if (event.id == "wrong") return error(ErrorCode::invalid, "wrong");
                    if (event.id == "later") return error(ErrorCode::unavailable, "later");
                    return note(tx, event);
                  });
  ASSERT_TRUE(service.start());
  EXPECT_TRUE(server_->wait_until([&] { return !server_->queue("shipping.start").is_null(); }));
  EXPECT_EQ(server_->queue("shipping.start")["push"]["url"],
            "http://" + service.address() + "/events/shipping.start");
  EXPECT_EQ(ask(service, pushed("e-1", "{}"))->status, 204);
  EXPECT_EQ(ask(service, pushed("e-1", "{}"))->status, 204);
  EXPECT_EQ(ask(service, pushed("wrong", "{}"))->status, 422);
  EXPECT_EQ(ask(service, pushed("later", "{}"))->status, 500);
  EXPECT_EQ(ask(service, pushed("e-2", "no json"))->status, 422);
  EXPECT_EQ(ask(service, pushed("", "{}"))->status, 422);
  EXPECT_EQ(count(service, "shipments"), 1);
}

TEST_F(Events, that_are_pushed_need_the_signature_when_there_is_a_secret) {
  Service service(options());
  service.on_push("shipping.start",
                  {.topic = "order.events", .secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"},
                  [](Tx&, const Event&) { return Result<void>(); });
  ASSERT_TRUE(service.start());
  EXPECT_EQ(ask(service, pushed("e-1", "{}"))->status, 401);
}

}  // namespace
}  // namespace pabal::sdk
