// Push over real sockets: endpoints that answer, hang, close, reset and talk nonsense.

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/streambuf.hpp>
#include <boost/asio/use_future.hpp>
#include <boost/asio/write.hpp>
#include <future>
#include <gtest/gtest.h>
#include <thread>

#include "flows/fake_broker.h"
#include "flows/push.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;

// Accepts connections one after the other; each is handled by `script`.
class RawEndpoint {
 public:
  using Script = std::function<void(tcp::socket&)>;
  explicit RawEndpoint(Script script)
      : acceptor_(context_, {asio::ip::address_v4::loopback(), 0}),
        thread_([this, script] { serve(script); }) {}
  ~RawEndpoint() {
    stopping_ = true;
    tcp::socket last(context_);
    boost::system::error_code ignored;
    last.connect(acceptor_.local_endpoint(), ignored);
  }
  [[nodiscard]] std::string url() const {
    return fmt::format("http://127.0.0.1:{}/events", acceptor_.local_endpoint().port());
  }

 private:
  void serve(const Script& script) {
    while (!stopping_) {
      boost::system::error_code failed;
      tcp::socket socket(context_);
      acceptor_.accept(socket, failed);
      if (!failed && !stopping_) script(socket);
    }
  }

  asio::io_context context_;
  tcp::acceptor acceptor_;
  std::atomic<bool> stopping_ = false;
  std::jthread thread_;
};

std::string read_head(tcp::socket& socket) {
  asio::streambuf buffer;
  boost::system::error_code failed;
  asio::read_until(socket, buffer, "\r\n\r\n", failed);
  return {asio::buffers_begin(buffer.data()), asio::buffers_end(buffer.data())};
}

void say(tcp::socket& socket, std::string_view text) {
  boost::system::error_code failed;
  asio::write(socket, asio::buffer(text), failed);
}

void wait_for_close(tcp::socket& socket) {
  char byte;
  boost::system::error_code failed;
  while (!failed) socket.read_some(asio::buffer(&byte, 1), failed);
}

struct PushHttpTest : testing::Test {
  std::unique_ptr<runtime::Shards> shards = runtime::start_shards(1);
  FakeBroker broker{shards->at(0).timers()};
  Observatory observatory{*shards};
  Push push{*shards, broker, observatory, {.rest_first = 10s}};

  template <class T>
  T on_shard(std::function<T()> work) {
    return asio::post(shards->at(0).executor(), std::packaged_task<T()>(std::move(work))).get();
  }
  void run(runtime::Task<> task) {
    asio::co_spawn(shards->at(0).executor(), std::move(task), asio::use_future).get();
  }

  // What becomes of one message that is pushed to `url`.
  std::string pushed_to(const std::string& url, Duration timeout = 30s) {
    auto& queue = broker.add_queue("member.points", "order.events");
    queue.settings.push = broker::PushSettings{.url = url, .timeout = timeout};
    broker.put_message(
        {.id = "1", .lease = "", .key = {}, .body = "hello", .headers = {}, .enqueued_at = {}});
    run(push.start());
    asio::io_context waiting;
    std::string outcome;
    for (int looks = 0; looks < 6'000 && outcome.empty(); ++looks) {
      asio::steady_timer(waiting, 10ms).wait();
      outcome = on_shard<std::string>([&] { return broker.settled.empty() ? "" : broker.settled[0]; });
    }
    return outcome;
  }
  ~PushHttpTest() override {
    run(push.stop(Deadline::after(shards->clock(), 5s)));
    run(broker.stop());
    shards.reset();
  }
};

TEST_F(PushHttpTest, AnAnswerIsTaken) {
  std::string head;
  RawEndpoint endpoint([&](tcp::socket& socket) {
    head = read_head(socket);
    say(socket, "HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n");
  });
  EXPECT_EQ(pushed_to(endpoint.url()), "acked 1");
  EXPECT_TRUE(head.starts_with("POST /events HTTP/1.1\r\n")) << head;
  EXPECT_NE(head.find("Pabal-Queue: member.points\r\n"), std::string::npos) << head;
  EXPECT_NE(head.find("hello"), std::string::npos) << head;
}

TEST_F(PushHttpTest, ARefusedConnectionRests) {
  tcp::endpoint closed;
  {
    asio::io_context context;
    tcp::acceptor acceptor(context, {asio::ip::address_v4::loopback(), 0});
    closed = acceptor.local_endpoint();
  }
  auto outcome = pushed_to(fmt::format("http://127.0.0.1:{}/", closed.port()));
  EXPECT_TRUE(outcome.starts_with("returned 1: ")) << outcome;
  EXPECT_TRUE(on_shard<bool>([&] { return observatory.memory().resting.contains("member.points"); }));
}

TEST_F(PushHttpTest, AConnectionThatClosesWithoutAnAnswerRests) {
  RawEndpoint endpoint([](tcp::socket& socket) { read_head(socket); });
  auto outcome = pushed_to(endpoint.url());
  EXPECT_TRUE(outcome.starts_with("returned 1: ")) << outcome;
}

TEST_F(PushHttpTest, SilenceRests) {
  RawEndpoint endpoint([](tcp::socket& socket) { wait_for_close(socket); });
  auto outcome = pushed_to(endpoint.url(), 100ms);
  EXPECT_TRUE(outcome.starts_with("returned 1: ")) << outcome;
}

TEST_F(PushHttpTest, GarbageIsANack) {
  RawEndpoint endpoint([](tcp::socket& socket) {
    read_head(socket);
    say(socket, "220 mail.example.org ESMTP\r\n\r\n");
    wait_for_close(socket);
  });
  auto outcome = pushed_to(endpoint.url());
  EXPECT_TRUE(outcome.starts_with("nacked 1: ")) << outcome;
}

TEST_F(PushHttpTest, AnEndlessAnswerIsCutAndANack) {
  RawEndpoint endpoint([](tcp::socket& socket) {
    read_head(socket);
    say(socket, "HTTP/1.1 500 No\r\nContent-Length: 100000000\r\n\r\nx");
    wait_for_close(socket);
  });
  auto outcome = pushed_to(endpoint.url());
  EXPECT_TRUE(outcome.starts_with("nacked 1: ")) << outcome;
}

}  // namespace
}  // namespace pabal::flows
