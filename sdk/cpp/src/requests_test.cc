#include <atomic>

#include "service_fixture.h"

namespace pabal::sdk {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;

class Requests : public ServiceFixture {};

TEST_F(Requests, reach_their_handler_and_get_its_answer) {
  Service service(options());
  service.http("POST", "/reservations/{id}", [](const Request& request) -> Result<Response> {
    auto body = request.json();
    if (!body) return std::unexpected(body.error());
    return Response{.status = 201,
                    .body = {{"id", request.param("id")},
                             {"quantity", (*body)["quantity"]},
                             {"dry", request.query("dry").value_or("no")},
                             {"agent", request.header("USER-AGENT").value_or("")},
                             {"correlation", current_context().correlation_id}},
                    .headers = {{"Location", "/reservations/7"}}};
  });
  service.http("GET", "/fails",
               [](const Request&) -> Result<Response> { return error(ErrorCode::conflict, "sold out"); });
  service.http("GET", "/throws",
               [](const Request&) -> Result<Response> { throw std::runtime_error("oops"); });
  ASSERT_TRUE(service.start());
  runtime::HttpRequest request{
      .method = "POST", .target = "/reservations/a%20b?dry=1", .body = R"({"quantity":2})"};
  request.fields.add("User-Agent", "me");
  request.fields.add("Correlation-Id", "flow-9");
  auto answer = ask(service, request);
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 201);
  EXPECT_EQ(answer->fields.get("Location"), "/reservations/7");
  EXPECT_EQ(answer->fields.get("Correlation-Id"), "flow-9");
  EXPECT_EQ(Json::parse(answer->body), Json::parse(R"({"id":"a b","quantity":2,"dry":"1","agent":"me",
                                                      "correlation":"flow-9"})"));
  request.body = "{";
  EXPECT_EQ(ask(service, request)->status, 400);
  auto conflict = ask(service, {.target = "/fails"});
  EXPECT_EQ(conflict->status, 409);
  EXPECT_EQ(conflict->fields.get("Content-Type"), "application/problem+json");
  EXPECT_THAT(conflict->body, HasSubstr("sold out"));
  EXPECT_FALSE(conflict->fields.get("Correlation-Id").empty()) << "made where there is none";
  EXPECT_EQ(ask(service, {.target = "/throws"})->status, 500);
  EXPECT_EQ(ask(service, {.target = "/nowhere"})->status, 404);
  EXPECT_EQ(ask(service, {.method = "DELETE", .target = "/fails"})->status, 405);
  EXPECT_EQ(ask(service, {.target = "/healthz"})->status, 200);
}

TEST_F(Requests, are_refused_while_every_worker_is_busy_and_the_line_full) {
  Service::Options narrow = options();
  narrow.http_workers = 1;
  narrow.http_waiting_max = 1;
  Service service(narrow);
  std::promise<void> go_on;
  auto gate = go_on.get_future().share();
  std::atomic<int> begun = 0;
  service.http("GET", "/slow", [&](const Request&) -> Result<Response> {
    ++begun;
    gate.wait();
    return Response();
  });
  ASSERT_TRUE(service.start());
  auto first = std::async(std::launch::async, [&] { return ask(service, {.target = "/slow"})->status; });
  EXPECT_TRUE(server_->wait_until([&] { return begun == 1; }));
  std::vector<std::future<int>> others;
  for (int i = 0; i < 5; ++i) {
    others.push_back(
        std::async(std::launch::async, [&] { return ask(service, {.target = "/slow"})->status; }));
  }
  EXPECT_TRUE(server_->wait_until([&] { return service.counters().requests_refused == 4; }));
  EXPECT_EQ(ask(service, {.target = "/healthz"})->status, 200) << "answered without a worker";
  go_on.set_value();
  EXPECT_EQ(first.get(), 200);
  int served = 0;
  for (auto& other : others) served += other.get() == 200 ? 1 : 0;
  EXPECT_EQ(served, 1);
}

TEST_F(Requests, change_the_database_and_publish_together_or_not_at_all) {
  Service service(options("order"));
  service.tables({"CREATE TABLE orders(id TEXT PRIMARY KEY)"});
  ASSERT_TRUE(service.start());
  auto place = [&](const std::string& id) {
    return service.write([&](Tx& tx) -> Result<std::string> {
      auto sent = tx.publish({.type = "OrderCreated", .key = id});
      if (!sent) return sent;
      auto inserted = tx.run("INSERT INTO orders VALUES(?)", id);
      if (!inserted) return std::unexpected(inserted.error());
      return sent;
    });
  };
  EXPECT_TRUE(place("O-1"));
  EXPECT_EQ(place("O-1").error().code, ErrorCode::conflict);
  EXPECT_EQ(count(service, "orders"), 1);
  EXPECT_EQ(outbox(service).size(), 1U);
  auto in_read = service.read([](Tx& tx) { return tx.publish({.type = "OrderCreated"}); });
  EXPECT_EQ(in_read.error().code, ErrorCode::invalid);
}

TEST_F(Requests, can_hand_work_to_a_bounded_pool_with_their_context) {
  Service service(options());
  service.pool("mail", {.threads = 1, .waiting_max = 1});
  std::promise<void> go_on;
  auto gate = go_on.get_future().share();
  std::promise<std::string> seen;
  std::atomic<bool> begun = false;
  service.http("POST", "/mail", [&](const Request&) -> Result<Response> {
    auto handed = service.run_async("mail", [&] {
      begun = true;
      gate.wait();
      seen.set_value(current_context().correlation_id);
    });
    if (!handed) return std::unexpected(handed.error());
    return Response{.status = 202};
  });
  ASSERT_TRUE(service.start());
  runtime::HttpRequest request{.method = "POST", .target = "/mail"};
  request.fields.add("Correlation-Id", "flow-3");
  EXPECT_EQ(ask(service, request)->status, 202);
  EXPECT_TRUE(server_->wait_until([&] { return begun.load(); }));
  EXPECT_TRUE(service.run_async("mail", [] {}));
  EXPECT_EQ(service.run_async("mail", [] {}).error().code, ErrorCode::over_limit);
  go_on.set_value();
  EXPECT_EQ(seen.get_future().get(), "flow-3");
}

TEST_F(Requests, need_a_free_address_and_a_proper_server) {
  Service service(options());
  ASSERT_TRUE(service.start());
  Service::Options same = options("other");
  same.listen = service.address();
  EXPECT_EQ(Service(same).start().error().code, ErrorCode::conflict);
  Service::Options odd = options("third");
  odd.server = "localhost";
  EXPECT_EQ(Service(odd).start().error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace pabal::sdk
