#include "server/server.h"

#include <atomic>
#include <filesystem>
#include <fstream>
#include <future>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>
#include <unistd.h>

#include "runtime/http_client.h"

namespace pabal::server {
namespace {

using nlohmann::json;
using testing::HasSubstr;

// A whole server on real files and sockets, in a directory of its own.
class ServerTest : public testing::Test {
 protected:
  void SetUp() override {
    dir_ = std::filesystem::path(testing::TempDir()) /
           fmt::format("pabal-server-{}-{}", ::getpid(),
                       testing::UnitTest::GetInstance()->current_test_info()->name());
    std::filesystem::remove_all(dir_);
    std::filesystem::create_directories(dir_);
  }
  void TearDown() override {
    server_.reset();
    std::filesystem::remove_all(dir_);
  }

  Settings settings() {
    Settings s;
    s.data_dir = dir_ / "data";
    s.http_address = "127.0.0.1:0";
    s.kafka_address = "127.0.0.1:0";
    s.ports_file = dir_ / "ports.json";
    s.shards = 2;
    return s;
  }

  void start(Settings s) {
    auto started = Server::start(std::move(s));
    ASSERT_TRUE(started) << started.error().message;
    server_ = std::move(*started);
  }

  runtime::HttpResponse ask(std::string method, std::string target, std::string body = {},
                            std::vector<std::pair<std::string, std::string>> fields = {}) {
    runtime::BlockingHttpClient client;
    return ask_with(client, std::move(method), std::move(target), std::move(body), std::move(fields));
  }

  runtime::HttpResponse ask_with(runtime::BlockingHttpClient& client, std::string method, std::string target,
                                 std::string body = {},
                                 std::vector<std::pair<std::string, std::string>> fields = {}) {
    runtime::HttpRequest request{
        .method = std::move(method), .target = std::move(target), .body = std::move(body)};
    if (!request.body.empty()) request.fields.add("Content-Type", "application/json");
    for (auto& [name, value] : fields) request.fields.set(name, value);
    auto url = runtime::Url::parse("http://" + server_->http_address());
    auto response =
        client.request(*url, std::move(request), Deadline::after(system_clock(), std::chrono::seconds(60)));
    EXPECT_TRUE(response) << response.error().message;
    return response ? std::move(*response) : runtime::HttpResponse{.status = 0};
  }

  static json parsed(const runtime::HttpResponse& response) {
    return json::parse(response.body, nullptr, false);
  }

  std::filesystem::path dir_;
  std::unique_ptr<Server> server_;
};

TEST_F(ServerTest, WhatWasAcknowledgedIsThereAfterARestart) {
  start(settings());
  EXPECT_EQ(ask("POST", "/v1/topics/t/records", R"({"records":[{"key":"k","value":{ "a": 1}}]})").body,
            R"({"records":[{"partition":0,"offset":0}]})");
  server_->stop();
  server_.reset();
  start(settings());
  auto records = ask("GET", "/v1/topics/t/records");
  EXPECT_THAT(records.body, HasSubstr(R"("value":{ "a": 1})"));
  EXPECT_EQ(parsed(records)["next"], "0:1");
}

TEST_F(ServerTest, ThePortsFileSaysWhereItListens) {
  start(settings());
  std::ifstream file(dir_ / "ports.json");
  EXPECT_EQ(json::parse(file)["http"], server_->http_address());
  EXPECT_THAT(server_->http_address(), testing::MatchesRegex("127\\.0\\.0\\.1:[1-9][0-9]*"));
  server_->stop();
  EXPECT_FALSE(std::filesystem::exists(dir_ / "ports.json"));
}

TEST_F(ServerTest, AQueueGivesAndTakesBack) {
  start(settings());
  EXPECT_EQ(ask("PUT", "/v1/queues/q", R"({"topic":"t","from":"earliest"})").status, 201);
  ask("POST", "/v1/topics/t/records",
      R"({"records":[{"key":"k","value":{"n":1},"headers":{"ce_type":"T"}}]})");
  json got = parsed(ask("POST", "/v1/queues/q/receive", R"({"wait":"30s"})", {{"Pabal-Service", "mail"}}));
  ASSERT_EQ(got["messages"].size(), 1U) << got.dump();
  EXPECT_EQ(got["messages"][0]["body"]["n"], 1);
  std::string lease = got["messages"][0]["lease"];
  json acked = parsed(ask("POST", "/v1/queues/q/ack", json{{"leases", {lease, "nonsense"}}}.dump()));
  EXPECT_EQ(acked["results"][0]["ok"], true);
  EXPECT_EQ(acked["results"][1]["ok"], false);
  EXPECT_EQ(parsed(ask("GET", "/v1/queues/q"))["ready"], 0);
}

TEST_F(ServerTest, AnIdempotencyKeyGivesTheFirstAnswerAgain) {
  start(settings());
  std::string body = R"({"records":[{"value":1}]})";
  auto first = ask("POST", "/v1/topics/t/records", body, {{"Idempotency-Key", "\"a\""}});
  auto second = ask("POST", "/v1/topics/t/records", body, {{"Idempotency-Key", "a"}});
  EXPECT_EQ(first.status, 200);
  EXPECT_EQ(second.body, first.body);
  EXPECT_EQ(
      ask("POST", "/v1/topics/t/records", R"({"records":[{"value":2}]})", {{"Idempotency-Key", "a"}}).status,
      422);
  server_.reset();
  start(settings());
  EXPECT_EQ(ask("POST", "/v1/topics/t/records", body, {{"Idempotency-Key", "a"}}).body, first.body);
  EXPECT_EQ(parsed(ask("GET", "/v1/topics/t/records"))["records"].size(), 1U);
}

TEST_F(ServerTest, ASequenceIsStoredOnce) {
  start(settings());
  auto publish = [&](int n) {
    return ask("POST", "/v1/topics/t/records", R"({"records":[{"value":1}]})",
               {{"Pabal-Producer", "relay"}, {"Pabal-Sequence", std::to_string(n)}})
        .body;
  };
  EXPECT_THAT(publish(5), HasSubstr("\"offset\":0"));
  EXPECT_THAT(publish(5), HasSubstr("\"duplicate\":true"));
  EXPECT_THAT(publish(4), HasSubstr("\"duplicate\":true"));
  EXPECT_THAT(publish(6), HasSubstr("\"offset\":1"));
}

TEST_F(ServerTest, AStreamBringsWhatIsPublishedAndEndsWithTheServer) {
  start(settings());
  ask("PUT", "/v1/topics/t");
  std::atomic<int> seen = 0;
  std::promise<void> both;
  std::thread follower([&] {
    runtime::BlockingHttpClient client;
    auto url = runtime::Url::parse("http://" + server_->http_address());
    std::string text;
    (void)client.stream(*url, {.target = "/v1/topics/t/stream?from=earliest"},
                        Deadline::after(system_clock(), std::chrono::seconds(120)),
                        [&](std::string_view piece) {
                          text += piece;
                          int events = 0;
                          for (size_t at = text.find("event: record"); at != std::string::npos;
                               at = text.find("event: record", at + 1)) {
                            ++events;
                          }
                          if (events == 2 && seen.exchange(2) != 2) both.set_value();
                          return true;
                        });
  });
  ask("POST", "/v1/topics/t/records", R"({"records":[{"value":1}]})");
  ask("POST", "/v1/topics/t/records", R"({"records":[{"value":2}]})");
  EXPECT_EQ(both.get_future().wait_for(std::chrono::seconds(30)), std::future_status::ready);
  Instant before = system_clock().now();
  server_->stop();
  EXPECT_LT(system_clock().now() - before, stop_time_max);
  follower.join();
}

TEST_F(ServerTest, ALongPollEndsWithTheServer) {
  start(settings());
  ask("PUT", "/v1/queues/q");
  std::thread poller([&] { ask("POST", "/v1/queues/q/receive", R"({"wait":"60s"})"); });
  while (parsed(ask("GET", "/v1/queues/q"))["consumers"] != 1) {
  }
  Instant before = system_clock().now();
  server_->stop();
  EXPECT_LT(system_clock().now() - before, stop_time_max);
  poller.join();
}

TEST_F(ServerTest, APortInUseIsSaid) {
  start(settings());
  Settings other = settings();
  other.data_dir = dir_ / "other";
  other.http_address = server_->http_address();
  auto refused = Server::start(other);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(server_->http_address()));
  EXPECT_FALSE(std::filesystem::exists(other.data_dir)) << "nothing was made";
  other.http_address = "127.0.0.1:0";
  other.token_file = dir_ / "no-such-file";
  EXPECT_FALSE(Server::start(other));
  EXPECT_FALSE(std::filesystem::exists(other.data_dir)) << "nothing was made";
}

TEST_F(ServerTest, ADataDirectoryInUseIsSaid) {
  start(settings());
  auto refused = Server::start(settings());
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr(settings().data_dir));
}

TEST_F(ServerTest, DataOfAnUnknownVersionAreRefused) {
  start(settings());
  server_.reset();
  std::ofstream(dir_ / "data" / "VERSION") << "999\n";
  auto refused = Server::start(settings());
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
  EXPECT_THAT(refused.error().message, HasSubstr("999"));
}

TEST_F(ServerTest, ADirectoryThatCannotBeMadeIsSaid) {
  std::ofstream(dir_ / "file") << "x";
  Settings s = settings();
  s.data_dir = dir_ / "file" / "data";
  auto refused = Server::start(s);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("file"));
}

TEST_F(ServerTest, AnOpenAddressWithoutTokensIsRefused) {
  Settings s = settings();
  s.http_address = "0.0.0.0:0";
  auto refused = Server::start(s);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--token-file"));
}

TEST_F(ServerTest, TheKafkaDoorIsOpenToOtherMachinesOnlyWithAuthentication) {
  Settings s = settings();
  s.kafka_address = "0.0.0.0:0";
  auto refused = Server::start(s);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--token-file FILE"));
}

TEST_F(ServerTest, TheKafkaDoorIsAnnouncedOrOff) {
  start(settings());
  std::ifstream file(dir_ / "ports.json");
  EXPECT_EQ(json::parse(file)["kafka"], server_->kafka_address());
  server_.reset();
  Settings s = settings();
  s.kafka_address = "off";
  start(s);
  EXPECT_EQ(server_->kafka_address(), "");
}

TEST_F(ServerTest, TokensAreAskedFor) {
  std::ofstream(dir_ / "tokens") << "alice 0123456789abcdef\n";
  std::filesystem::permissions(dir_ / "tokens", std::filesystem::perms(0600));
  Settings s = settings();
  s.token_file = dir_ / "tokens";
  start(s);
  EXPECT_EQ(ask("GET", "/v1/topics").status, 401);
  EXPECT_EQ(ask("GET", "/v1/topics", "", {{"Authorization", "Bearer 0123456789abcdef"}}).status, 200);
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
}

TEST_F(ServerTest, ABodyThatIsTooLargeIsRefused) {
  start(settings());
  EXPECT_EQ(ask("POST", "/v1/topics/t/records", std::string(17 << 20, ' ')).status, 413);
  std::string value(2 << 20, 'x');
  EXPECT_EQ(ask("POST", "/v1/topics/t/records", R"({"records":[{"value":")" + value + "\"}]}").status, 413);
}

TEST_F(ServerTest, NamesAreChecked) {
  start(settings());
  for (const char* name : {"..", ".", "a%20b", "%ED%95%9C", "__pabal.x"}) {
    auto response =
        ask("POST", std::string("/v1/topics/") + name + "/records", R"({"records":[{"value":1}]})");
    EXPECT_TRUE(response.status == 400 || response.status == 403) << name << " " << response.status;
  }
  EXPECT_EQ(ask("PUT", "/v1/topics/" + std::string(250, 'a')).status, 400);
  EXPECT_EQ(ask("PUT", "/v1/topics/" + std::string(249, 'a')).status, 201);
  EXPECT_EQ(ask("PUT", "/v1/queues/%ED%95%9C%20a%2Fb", R"({"topic":"t"})").status, 201);
  EXPECT_EQ(parsed(ask("GET", "/v1/queues/%ED%95%9C%20a%2Fb"))["name"], "\xed\x95\x9c a/b");
}

TEST_F(ServerTest, UnknownThingsAreNotFound) {
  Settings s = settings();
  s.auto_create_topics = false;
  start(s);
  EXPECT_EQ(ask("POST", "/v1/topics/t/records", R"({"records":[{"value":1}]})").status, 404);
  EXPECT_EQ(ask("GET", "/v1/topics/t").status, 404);
  EXPECT_EQ(ask("GET", "/v1/queues/q").status, 404);
  EXPECT_EQ(ask("POST", "/v1/queues/q/receive").status, 404);
  EXPECT_EQ(ask("DELETE", "/v1/queues/q").status, 404);
}

TEST_F(ServerTest, AFullDiskRefusesPublishesWithTheReasonAndLetsReadingGoOn) {
  start(settings());
  ask("PUT", "/v1/queues/q", R"({"topic":"t","from":"earliest"})");
  ask("POST", "/v1/topics/t/records", R"({"records":[{"value":1}]})");
  server_.reset();
  Settings s = settings();
  s.disk_reserve_bytes = uint64_t{1} << 60;  // no disk has so much left
  start(s);
  auto refused = ask("POST", "/v1/topics/t/records", R"({"records":[{"value":2}]})");
  EXPECT_EQ(refused.status, 503) << refused.body;
  EXPECT_NE(refused.fields.find("retry-after"), nullptr);
  EXPECT_FALSE(parsed(refused)["detail"].get<std::string>().empty());
  EXPECT_EQ(parsed(ask("GET", "/v1/topics/t/records"))["records"].size(), 1U);
  json got = parsed(ask("POST", "/v1/queues/q/receive", R"({"wait":"30s"})"));
  ASSERT_EQ(got["messages"].size(), 1U);
  std::string lease = got["messages"][0]["lease"];
  EXPECT_EQ(parsed(ask("POST", "/v1/queues/q/ack", json{{"leases", {lease}}}.dump()))["results"][0]["ok"],
            true);
  EXPECT_EQ(parsed(ask("GET", "/readyz"))["storage"], "disk_full");
}

// A killed consumer: its long poll must not take the next message with it.
TEST_F(ServerTest, AConsumerThatHangsUpTakesNoMessage) {
  start(settings());
  ask("PUT", "/v1/queues/q", R"({"topic":"t","from":"earliest"})");
  {
    runtime::BlockingHttpClient gone;
    runtime::HttpRequest request{
        .method = "POST", .target = "/v1/queues/q/receive", .body = R"({"wait":"60s"})"};
    request.fields.add("Content-Type", "application/json");
    request.fields.add("Pabal-Service", "mail");
    auto url = runtime::Url::parse("http://" + server_->http_address());
    auto given_up = gone.request(*url, std::move(request),
                                 Deadline::after(system_clock(), std::chrono::milliseconds(200)));
    EXPECT_FALSE(given_up);
  }
  json consumers;
  do {
    consumers = parsed(ask("GET", "/v1/queues/q"))["consumer_list"];
  } while (!consumers.empty() && consumers[0]["waiting"] == true);
  ask("POST", "/v1/topics/t/records", R"({"records":[{"value":1}]})");
  json got = parsed(ask("POST", "/v1/queues/q/receive", R"({"wait":"30s"})", {{"Pabal-Service", "other"}}));
  ASSERT_EQ(got["messages"].size(), 1U);
  EXPECT_EQ(got["messages"][0]["delivery"], 1);
}

TEST_F(ServerTest, WhatHappenedIsSeen) {
  start(settings());
  ask("PUT", "/v1/queues/q", R"({"topic":"t"})");
  ask("POST", "/v1/topics/t/records", R"({"records":[{"key":"O-1","value":1}]})",
      {{"Pabal-Service", "order"}});
  ask("POST", "/v1/queues/q/receive", R"({"wait":"30s"})", {{"Pabal-Service", "mail"}});
  json trace = parsed(ask("GET", "/v1/trace/O-1"));
  EXPECT_EQ(trace["found"], true) << trace.dump();
  EXPECT_EQ(trace["entries"][0]["kind"], "published");
  EXPECT_EQ(trace["entries"][0]["service"], "order");
  json overview = parsed(ask("GET", "/v1/overview"));
  EXPECT_EQ(overview["topics"].size(), 2U);  // and the dead letters'
  EXPECT_EQ(parsed(ask("GET", "/v1/topics/t"))["producers"][0]["service"], "order");
  EXPECT_THAT(ask("GET", "/metrics").body, HasSubstr("pabal_records_published_total 1\n"));
}

}  // namespace
}  // namespace pabal::server
