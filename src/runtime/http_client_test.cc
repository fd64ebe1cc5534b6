#include "runtime/http_client.h"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/read_until.hpp>
#include <boost/asio/write.hpp>
#include <cstdlib>
#include <filesystem>
#include <gmock/gmock.h>
#include <thread>
#include <unistd.h>

#include "runtime/http_server.h"
#include "runtime/shards.h"

namespace pabal::runtime {
namespace {

using namespace std::chrono_literals;
using asio::ip::tcp;
using testing::HasSubstr;

Deadline in(Duration d) { return Deadline::after(system_clock(), d); }

// Accepts connections one after the other and does to each what the next script says.
class Scripted {
 public:
  using Script = std::function<void(tcp::socket&)>;

  explicit Scripted(std::vector<Script> scripts)
      : acceptor_(loop_, tcp::endpoint(asio::ip::address_v4::loopback(), 0)),
        thread_([this, scripts = std::move(scripts)] {
          for (const Script& script : scripts) {
            tcp::socket socket(loop_);
            boost::system::error_code problem;
            acceptor_.accept(socket, problem);
            if (problem) return;
            ++accepted;
            script(socket);
          }
        }) {}
  ~Scripted() { thread_.join(); }

  [[nodiscard]] Url url() const {
    return Url::parse(fmt::format("http://127.0.0.1:{}/", acceptor_.local_endpoint().port())).value();
  }

  std::atomic<int> accepted = 0;

 private:
  asio::io_context loop_;
  tcp::acceptor acceptor_;
  std::thread thread_;
};

std::string read_head(tcp::socket& socket) {
  std::string head;
  boost::system::error_code ignored;
  asio::read_until(socket, asio::dynamic_buffer(head), "\r\n\r\n", ignored);
  return head;
}

void say(tcp::socket& socket, std::string_view text) {
  boost::system::error_code ignored;
  asio::write(socket, asio::buffer(text), ignored);
}

void wait_for_close(tcp::socket& socket) {
  char byte = 0;
  boost::system::error_code ignored;
  while (socket.read_some(asio::buffer(&byte, 1), ignored) > 0) {
  }
}

constexpr std::string_view ok = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

TEST(HttpClient, sends_and_reads_over_one_connection) {
  Scripted server({[](tcp::socket& socket) {
    for (int i = 0; i < 3; ++i) {
      EXPECT_THAT(read_head(socket), HasSubstr("POST /p HTTP/1.1\r\nHost: 127.0.0.1:"));
      say(socket, ok);
    }
  }});
  BlockingHttpClient client;
  for (int i = 0; i < 3; ++i) {
    auto answer = client.request(server.url(), {.method = "POST", .target = "/p"}, in(30s));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->status, 200);
    EXPECT_EQ(answer->body, "ok");
  }
  EXPECT_EQ(server.accepted, 1);
}

TEST(HttpClient, reads_an_answer_one_byte_at_a_time_and_past_interim_ones) {
  Scripted server({[](tcp::socket& socket) {
    read_head(socket);
    std::string_view text =
        "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
        "2\r\nab\r\n1\r\nc\r\n0\r\n\r\n";
    for (size_t i = 0; i < text.size(); ++i) say(socket, text.substr(i, 1));
    wait_for_close(socket);
  }});
  BlockingHttpClient client;
  EXPECT_EQ(client.request(server.url(), {}, in(30s)).value().body, "abc");
}

TEST(HttpClient, reads_a_body_that_ends_with_the_connection) {
  Scripted server({[](tcp::socket& socket) {
    read_head(socket);
    say(socket, "HTTP/1.1 200 OK\r\n\r\nto the end");
  }});
  BlockingHttpClient client;
  EXPECT_EQ(client.request(server.url(), {}, in(30s)).value().body, "to the end");
}

TEST(HttpClient, replaces_a_stale_connection) {
  auto once = [](tcp::socket& socket) {
    read_head(socket);
    say(socket, ok);
  };
  Scripted server({once, once});
  BlockingHttpClient client;
  ASSERT_TRUE(client.request(server.url(), {.method = "POST"}, in(30s)));
  while (server.accepted == 0) std::this_thread::yield();
  auto again = client.request(server.url(), {.method = "GET"}, in(30s));
  ASSERT_TRUE(again) << again.error().message;
  EXPECT_EQ(server.accepted, 2);
}

TEST(HttpClient, does_not_repeat_a_post_that_may_have_been_done) {
  Scripted server({[](tcp::socket& socket) {
    read_head(socket);
    say(socket, ok);
    read_head(socket);  // and then nothing
  }});
  BlockingHttpClient client;
  ASSERT_TRUE(client.request(server.url(), {.method = "POST"}, in(30s)));
  auto again = client.request(server.url(), {.method = "POST"}, in(30s));
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().code, ErrorCode::peer_failed);
}

TEST(HttpClient, an_answer_that_is_not_http_is_garbled_and_a_closed_connection_is_not) {
  auto is_garbled_after = [](Scripted::Script script) {
    Scripted server({std::move(script)});
    return is_garbled(BlockingHttpClient().request(server.url(), {}, in(30s)).error());
  };
  EXPECT_TRUE(is_garbled_after([](tcp::socket& s) { say(s, "SSH-2.0-OpenSSH_9.2\r\n\r\n"); }));
  EXPECT_FALSE(is_garbled_after([](tcp::socket& s) { read_head(s); }));
}

TEST(HttpClient, tells_apart_how_a_server_fails) {
  BlockingHttpClient client({.response_bytes_max = 1000});
  auto code = [&](Scripted::Script script, Duration within = 30s) {
    Scripted server({std::move(script)});
    return client.request(server.url(), {}, in(within)).error().code;
  };
  EXPECT_EQ(code([](tcp::socket& s) { read_head(s); }), ErrorCode::peer_failed);
  EXPECT_EQ(code([](tcp::socket& s) { say(s, "SSH-2.0-OpenSSH_9.2\r\n\r\n"); }), ErrorCode::peer_failed);
  EXPECT_EQ(code([](tcp::socket& s) {
              read_head(s);
              say(s, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
            }),
            ErrorCode::peer_failed);
  EXPECT_EQ(code([](tcp::socket& s) {
              read_head(s);
              say(s, "HTTP/1.1 200 OK\r\nContent-Length: 2000\r\n\r\n");
            }),
            ErrorCode::too_large);
  EXPECT_EQ(code([](tcp::socket& s) { wait_for_close(s); }, 500ms), ErrorCode::timed_out);
  EXPECT_EQ(code(
                [](tcp::socket& s) {
                  read_head(s);
                  say(s, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf");
                  wait_for_close(s);
                },
                500ms),
            ErrorCode::timed_out);
  EXPECT_EQ(client.request(Url::parse("http://127.0.0.1:1/").value(), {}, in(30s)).error().code,
            ErrorCode::unreachable);
  EXPECT_EQ(client.request(Url::parse("http://no.such.host.invalid/").value(), {}, in(30s)).error().code,
            ErrorCode::unreachable);
}

TEST(HttpClient, streams_pieces_until_told_to_stop) {
  Scripted server({[](tcp::socket& socket) {
    read_head(socket);
    say(socket, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    for (int i = 0; i < 5; ++i) say(socket, "3\r\nabc\r\n");
    wait_for_close(socket);
  }});
  BlockingHttpClient client;
  std::string got;
  auto answer = client.stream(server.url(), {}, in(30s), [&](std::string_view piece) {
    got += piece;
    return got.size() < 6;
  });
  ASSERT_TRUE(answer) << answer.error().message;
  EXPECT_THAT(got, testing::StartsWith("abcabc"));
}

TEST(HttpClient, keeps_the_body_of_a_stream_that_was_refused) {
  Scripted server({[](tcp::socket& socket) {
    read_head(socket);
    say(socket, "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone");
  }});
  BlockingHttpClient client;
  auto answer = client.stream(server.url(), {}, in(30s), [](std::string_view) { return true; });
  EXPECT_EQ(answer.value().body, "none");
}

TEST(HttpClient, speaks_tls_and_checks_the_certificate) {
  std::string directory = testing::TempDir() + "pabal_tls_" + std::to_string(::getpid());
  std::filesystem::create_directories(directory);
  std::string make = fmt::format(
      "openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 1 -subj /CN=localhost "
      "-addext subjectAltName=DNS:localhost -keyout {0}/key.pem -out {0}/cert.pem 2>/dev/null",
      directory);
  ASSERT_EQ(std::system(make.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
  auto shards = start_shards(1);
  auto server = HttpServer::listen(
      {.tls = Certificates::open({directory + "/cert.pem", directory + "/key.pem"}).value()},
      shards->executors(),
      [](HttpRequest request) -> Task<HttpResponse> { co_return HttpResponse{.body = request.body}; });
  ASSERT_TRUE(server) << server.error().message;
  std::string port = (*server)->address().substr((*server)->address().rfind(':') + 1);
  Url url = Url::parse("https://localhost:" + port).value();
  unsetenv("SSL_CERT_FILE");  // NOLINT(concurrency-mt-unsafe)
  BlockingHttpClient stranger;
  EXPECT_EQ(stranger.request(url, {}, in(30s)).error().code, ErrorCode::unreachable);
  setenv("SSL_CERT_FILE", (directory + "/cert.pem").c_str(), 1);  // NOLINT(concurrency-mt-unsafe)
  BlockingHttpClient friendly;
  std::string large(1_MiB, 'x');
  for (int i = 0; i < 2; ++i) {
    auto answer = friendly.request(url, {.method = "POST", .body = large}, in(30s));
    ASSERT_TRUE(answer) << answer.error().message;
    EXPECT_EQ(answer->body, large);
  }
  Url other = Url::parse("https://127.0.0.1:" + port).value();
  EXPECT_EQ(friendly.request(other, {}, in(30s)).error().code, ErrorCode::unreachable);
}

}  // namespace
}  // namespace pabal::runtime
