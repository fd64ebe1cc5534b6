#include "runtime/http_server.h"

#include <atomic>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_future.hpp>
#include <future>
#include <gmock/gmock.h>

#include "runtime/raw_client.h"
#include "runtime/shards.h"

namespace pabal::runtime {
namespace {

using namespace std::chrono_literals;
using testing::HasSubstr;
using testing::StartsWith;

// Answers with what it was asked; "/wait" until the client hangs up; "/stream" three pieces; "/flood" until
// nobody takes it any more; "/throw" not at all.
class Echo {
 public:
  explicit Echo(HttpServerLimits limits = {}, size_t shard_count = 2) : shards_(start_shards(shard_count)) {
    auto handler = [this](HttpRequest request) { return answer(std::move(request)); };
    server_ = HttpServer::listen({.limits = limits}, shards_->executors(), handler).value();
  }
  ~Echo() { stop(2s); }

  [[nodiscard]] std::string address() const { return server_->address(); }
  [[nodiscard]] size_t connections() const { return server_->connections(); }
  RawClient connect() { return RawClient(address()); }

  void stop(Duration within) {
    if (!server_) return;
    asio::co_spawn(shards_->at(0).executor(), server_->stop(Deadline::after(system_clock(), within)),
                   asio::use_future)
        .get();
    server_.reset();
  }

  std::promise<void> waiting;  // a handler waits
  std::promise<bool> woken;    // it was told of the hang-up
  std::atomic<size_t> handled = 0;

 private:
  Task<HttpResponse> answer(HttpRequest request) {
    ++handled;
    if (request.target == "/throw") throw std::runtime_error("on purpose");
    if (request.target == "/wait") co_return co_await wait(request);
    if (request.target == "/stream") co_return HttpResponse{.stream = three_pieces};
    if (request.target == "/flood") co_return HttpResponse{.stream = flood};
    if (request.target == "/nothing") co_return HttpResponse{.status = 204};
    HttpResponse response{.body = request.method + " " + request.target + " " + request.body};
    response.fields.add("Content-Type", "text/plain");
    co_return response;
  }

  Task<HttpResponse> wait(const HttpRequest& request) {
    asio::steady_timer timer(co_await asio::this_coro::executor, 30s);
    request.hang_up->then([&] { timer.cancel(); });
    waiting.set_value();
    auto [problem] = co_await timer.async_wait(asio::as_tuple(asio::use_awaitable));
    request.hang_up->then({});
    woken.set_value(static_cast<bool>(problem));
    co_return HttpResponse{.body = "[]"};
  }

  static Task<> three_pieces(HttpStream& stream) {
    for (std::string_view piece : {"one", "two", "three"}) (void)co_await stream.write(piece);
  }
  static Task<> flood(HttpStream& stream) {
    std::string piece(64_KiB, 'x');
    while (co_await stream.write(piece)) {
    }
  }

  std::unique_ptr<Shards> shards_;
  std::unique_ptr<HttpServer> server_;
};

constexpr std::string_view get_a = "GET /a HTTP/1.1\r\nHost: x\r\n\r\n";

TEST(HttpServer, answers_and_keeps_the_connection) {
  Echo echo;
  RawClient client = echo.connect();
  for (int i = 0; i < 3; ++i) {
    client.send(get_a);
    std::string answer = client.read_answer();
    EXPECT_THAT(answer, StartsWith("HTTP/1.1 200 OK\r\n"));
    EXPECT_THAT(answer, HasSubstr("Connection: keep-alive"));
    EXPECT_THAT(answer, testing::EndsWith("GET /a "));
  }
}

TEST(HttpServer, takes_one_byte_at_a_time) {
  Echo echo;
  RawClient client = echo.connect();
  client.send_one_by_one("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello");
  EXPECT_THAT(client.read_answer(), HasSubstr("POST /b hello"));
  client.send_one_by_one(
      "POST /c HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n");
  EXPECT_THAT(client.read_answer(), HasSubstr("POST /c abcde"));
}

TEST(HttpServer, answers_pipelined_requests_in_order) {
  Echo echo;
  RawClient client = echo.connect();
  std::string many;
  for (int i = 0; i < 50; ++i) {
    many += fmt::format("POST /{} HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\nok", i);
  }
  client.send(many);
  for (int i = 0; i < 50; ++i) EXPECT_THAT(client.read_answer(), HasSubstr(fmt::format("POST /{} ok", i)));
}

TEST(HttpServer, refuses_garbage_with_a_problem) {
  Echo echo;
  for (std::string_view garbage :
       {"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 hello\r\n\r\n", "GET\r\n\r\n", "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nbad field\r\n\r\n", "POST / HTTP/1.1\r\nContent-Length: x\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
        "POST / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"}) {
    RawClient client = echo.connect();
    client.send(garbage);
    std::string answer = client.read_all();
    EXPECT_THAT(answer, testing::AnyOf(StartsWith("HTTP/1.1 400 "), StartsWith("HTTP/1.1 505 "))) << garbage;
    EXPECT_THAT(answer, HasSubstr("application/problem+json"));
    EXPECT_THAT(answer, HasSubstr("Connection: close"));
  }
  EXPECT_EQ(echo.handled, 0U);
}

TEST(HttpServer, forgets_a_truncated_request) {
  Echo echo;
  for (std::string_view part : {"", "GET / HT", "POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhel"}) {
    RawClient client = echo.connect();
    client.send(part);
    client.finish_sending();
    EXPECT_EQ(client.read_all(), "") << part;
  }
  EXPECT_EQ(echo.handled, 0U);
}

TEST(HttpServer, refuses_a_large_head_and_a_large_body) {
  Echo echo({.head_bytes_max = 1024, .body_bytes_max = 4096});
  RawClient head = echo.connect();
  head.send("GET / HTTP/1.1\r\nX: " + std::string(4096, 'a'));
  EXPECT_THAT(head.read_all(), StartsWith("HTTP/1.1 431 "));
  RawClient line = echo.connect();
  line.send("GET /" + std::string(4096, 'a'));
  EXPECT_THAT(line.read_all(), StartsWith("HTTP/1.1 431 "));
  RawClient told = echo.connect();
  told.send("POST / HTTP/1.1\r\nContent-Length: 1000000000000\r\n\r\n");
  EXPECT_THAT(told.read_all(), StartsWith("HTTP/1.1 413 "));
  RawClient untold = echo.connect();
  untold.send("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n");
  for (int i = 0; i < 10; ++i) untold.send("400\r\n" + std::string(1024, 'b') + "\r\n");
  EXPECT_THAT(untold.read_all(), StartsWith("HTTP/1.1 413 "));
  EXPECT_EQ(echo.handled, 0U);
}

TEST(HttpServer, bounds_what_all_bodies_hold_together) {
  Echo echo({.bodies_bytes_max = 1000});
  RawClient first = echo.connect();
  first.send("POST /a HTTP/1.1\r\nContent-Length: 801\r\n\r\n" + std::string(800, 'a'));
  std::string request = "POST /b HTTP/1.1\r\nContent-Length: 401\r\n\r\n" + std::string(400, 'b');
  auto refused = [&] {
    RawClient second = echo.connect();
    second.send(request);
    second.finish_sending();  // ends it when it is not refused
    return second.read_all().starts_with("HTTP/1.1 503 ");
  };
  Deadline deadline = Deadline::after(system_clock(), 30s);
  while (!refused() && !deadline.passed(system_clock())) std::this_thread::yield();
  EXPECT_TRUE(refused());
  first.send("a");
  EXPECT_THAT(first.read_answer(), StartsWith("HTTP/1.1 200 "));
  while (refused() && !deadline.passed(system_clock())) std::this_thread::yield();
  EXPECT_FALSE(refused());
}

TEST(HttpServer, gives_up_a_head_that_does_not_end) {
  Echo echo({.head_timeout = 100ms});
  RawClient client = echo.connect();
  client.send("GET / HTTP/1.1\r\n");
  EXPECT_THAT(client.read_all(), StartsWith("HTTP/1.1 408 "));
}

TEST(HttpServer, gives_up_a_body_that_trickles_but_not_one_that_flows) {
  Echo echo({.body_window = 1s, .body_window_bytes_min = 10});
  RawClient slow = echo.connect();
  slow.send("POST / HTTP/1.1\r\nContent-Length: 1000\r\n\r\nabc");
  EXPECT_THAT(slow.read_all(), StartsWith("HTTP/1.1 408 "));
  RawClient steady = echo.connect();
  steady.send("POST /s HTTP/1.1\r\nContent-Length: 300\r\n\r\n");
  for (int i = 0; i < 29; ++i) {
    steady.send("0123456789");
    steady.read_until("never", 75ms);  // paces the body over several windows
  }
  steady.send("0123456789");
  EXPECT_THAT(steady.read_answer(), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, closes_idle_connections) {
  Echo echo({.idle_timeout = 50ms});
  RawClient client = echo.connect();
  client.send(get_a);
  client.read_answer();
  EXPECT_EQ(client.read_all(), "");
}

TEST(HttpServer, drops_a_client_that_takes_nothing) {
  Echo echo({.write_timeout = 100ms});
  RawClient client = echo.connect();
  client.send("GET /flood HTTP/1.1\r\nHost: x\r\n\r\n");
  while (echo.handled == 0) std::this_thread::yield();
  Deadline deadline = Deadline::after(system_clock(), 30s);
  while (echo.connections() > 0 && !deadline.passed(system_clock())) std::this_thread::yield();
  EXPECT_EQ(echo.connections(), 0U);
}

TEST(HttpServer, says_when_there_are_too_many_connections) {
  Echo echo({.connections_max = 2});
  RawClient first = echo.connect();
  first.send(get_a);
  first.read_answer();
  RawClient second = echo.connect();
  second.send(get_a);
  second.read_answer();
  RawClient third = echo.connect();
  third.send(get_a);
  std::string answer = third.read_all();
  EXPECT_THAT(answer, StartsWith("HTTP/1.1 503 "));
  EXPECT_THAT(answer, HasSubstr("Retry-After: 1"));
  first.send(get_a);
  EXPECT_THAT(first.read_answer(), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, streams_in_chunks_and_goes_on) {
  Echo echo;
  RawClient client = echo.connect();
  client.send("GET /stream HTTP/1.1\r\nHost: x\r\n\r\n");
  std::string answer = client.read_until("0\r\n\r\n");
  EXPECT_THAT(answer, HasSubstr("Transfer-Encoding: chunked"));
  EXPECT_THAT(answer, HasSubstr("3\r\none\r\n3\r\ntwo\r\n5\r\nthree\r\n0\r\n\r\n"));
  client.send(get_a);
  EXPECT_THAT(client.read_answer(), HasSubstr("GET /a"));
}

TEST(HttpServer, serves_old_clients_and_head_and_no_content) {
  Echo echo;
  RawClient old = echo.connect();
  old.send("GET /stream HTTP/1.0\r\n\r\n");
  EXPECT_THAT(old.read_all(), testing::EndsWith("\r\n\r\nonetwothree"));
  RawClient client = echo.connect();
  client.send("HEAD /a HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), HasSubstr("Content-Length: 8\r\n"));
  client.send("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_until("\r\n\r\n"), testing::AllOf(StartsWith("HTTP/1.1 204 No Content"),
                                                            testing::Not(HasSubstr("Content-Length"))));
  client.send("POST /e HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  EXPECT_EQ(client.read_until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  client.send("hi");
  EXPECT_THAT(client.read_answer(), HasSubstr("POST /e hi"));
}

TEST(HttpServer, survives_a_handler_that_throws) {
  Echo echo;
  RawClient client = echo.connect();
  client.send("GET /throw HTTP/1.1\r\nHost: x\r\n\r\n");
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 500 "));
  client.send(get_a);
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 200 "));
}

TEST(HttpServer, tells_a_waiting_handler_that_its_client_has_gone) {
  for (bool with_reset : {false, true}) {
    Echo echo;
    RawClient client = echo.connect();
    client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
    echo.waiting.get_future().wait();
    with_reset ? client.reset() : client.close();
    auto woken = echo.woken.get_future();
    ASSERT_EQ(woken.wait_for(30s), std::future_status::ready);
    EXPECT_TRUE(woken.get());
  }
}

TEST(HttpServer, notices_it_even_behind_a_pipelined_request) {
  Echo echo;
  RawClient client = echo.connect();
  client.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n" + std::string(get_a));
  echo.waiting.get_future().wait();
  client.send(get_a);
  client.close();
  auto woken = echo.woken.get_future();
  ASSERT_EQ(woken.wait_for(30s), std::future_status::ready);
  EXPECT_TRUE(woken.get());
}

TEST(HttpServer, stops_by_ending_waits_and_idle_connections) {
  Echo echo;
  RawClient idle = echo.connect();
  idle.send(get_a);
  idle.read_answer();
  RawClient waiting = echo.connect();
  waiting.send("GET /wait HTTP/1.1\r\nHost: x\r\n\r\n");
  echo.waiting.get_future().wait();
  Instant before = system_clock().now();
  echo.stop(60s);
  EXPECT_LT(system_clock().now() - before, 30s);
  EXPECT_THAT(waiting.read_all(), HasSubstr("Connection: close"));
  EXPECT_EQ(idle.read_all(), "");
}

TEST(HttpServer, cuts_what_does_not_end_in_time) {
  Echo echo;
  RawClient client = echo.connect();
  client.send("POST / HTTP/1.1\r\nContent-Length: 100\r\n\r\nabc");
  while (echo.connections() == 0) std::this_thread::yield();
  Instant before = system_clock().now();
  echo.stop(100ms);
  EXPECT_LT(system_clock().now() - before, 10s) << "before the client's own time is over";
  EXPECT_EQ(client.read_all(), "");
}

TEST(HttpServer, holds_2000_idle_connections_and_still_answers) {
  Echo echo;
  std::vector<RawClient> clients;
  clients.reserve(2000);
  for (int i = 0; i < 2000; ++i) {
    clients.push_back(echo.connect());
    if (i % 10 == 0) clients.back().send("GET / HT");  // and some that have begun
  }
  RawClient client = echo.connect();
  client.send(get_a);
  EXPECT_THAT(client.read_answer(), StartsWith("HTTP/1.1 200 "));
  Deadline deadline = Deadline::after(system_clock(), 30s);
  while (echo.connections() < 2001 && !deadline.passed(system_clock())) std::this_thread::yield();
  EXPECT_EQ(echo.connections(), 2001U);
}

TEST(HttpServer, says_what_is_wrong_with_an_address) {
  Echo echo;
  auto shards = start_shards(1);
  auto again = HttpServer::listen({.address = echo.address()}, shards->executors(), {});
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::conflict);
  EXPECT_THAT(again.error().message, HasSubstr(echo.address()));
  for (const char* address : {"", "8080", "localhost", "somewhere:80", "127.0.0.1:70000", "127.0.0.1:"}) {
    auto refused = HttpServer::listen({.address = address}, shards->executors(), {});
    ASSERT_FALSE(refused) << address;
    EXPECT_EQ(refused.error().code, ErrorCode::invalid);
  }
}

}  // namespace
}  // namespace pabal::runtime
