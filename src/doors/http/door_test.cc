#include "doors/http/door.h"

#include "doors/http/door_fixture.h"
#include "doors/http/openapi.h"

namespace pabal::doors {
namespace {

using testing::HasSubstr;
using testing::Not;

class DoorTest : public DoorFixture {};

TEST_F(DoorTest, EveryErrorHasItsStatusAndProblem) {
  for (auto [code, status] : std::initializer_list<std::pair<ErrorCode, int>>{{ErrorCode::invalid, 400},
                                                                              {ErrorCode::unauthorized, 401},
                                                                              {ErrorCode::forbidden, 403},
                                                                              {ErrorCode::not_found, 404},
                                                                              {ErrorCode::wrong_method, 405},
                                                                              {ErrorCode::conflict, 409},
                                                                              {ErrorCode::too_large, 413},
                                                                              {ErrorCode::wrong_media, 415},
                                                                              {ErrorCode::key_reused, 422},
                                                                              {ErrorCode::over_limit, 429},
                                                                              {ErrorCode::unavailable, 503},
                                                                              {ErrorCode::disk_full, 503},
                                                                              {ErrorCode::read_only, 503}}) {
    broker_.failure = Error{code, "what was read; what is right", {{"f", "p"}}};
    auto response = ask("POST", "/v1/topics/t/records", R"({"records": [{"value": 1}]})");
    EXPECT_EQ(response.status, status);
    EXPECT_EQ(response.fields.get("content-type"), "application/problem+json");
    Json problem = json(response);
    EXPECT_EQ(problem["status"], status);
    EXPECT_EQ(problem["detail"], "what was read; what is right");
    EXPECT_EQ(problem["errors"][0]["field"], "f");
    EXPECT_EQ(response.fields.find("retry-after") != nullptr, status == 503);
  }
}

TEST_F(DoorTest, EveryCallPassesOnWhatTheBrokerSays) {
  broker_.failure = Error{ErrorCode::read_only, "stopped"};
  for (auto [method, path, body] : std::initializer_list<std::tuple<const char*, const char*, const char*>>{
           {"PUT", "/v1/topics/t", ""},
           {"GET", "/v1/topics", ""},
           {"GET", "/v1/topics/t", ""},
           {"DELETE", "/v1/topics/t", ""},
           {"GET", "/v1/topics/t/records", ""},
           {"GET", "/v1/topics/t/stream", ""},
           {"PUT", "/v1/queues/q", ""},
           {"GET", "/v1/queues", ""},
           {"GET", "/v1/queues/q", ""},
           {"DELETE", "/v1/queues/q", ""},
           {"POST", "/v1/queues/q/messages", R"({"messages":[{"body":1}]})"},
           {"POST", "/v1/queues/q/receive", ""},
           {"POST", "/v1/queues/q/ack", R"({"leases":["a"]})"},
           {"POST", "/v1/queues/q/nack", R"({"leases":["a"]})"},
           {"POST", "/v1/queues/q/extend", R"({"leases":["a"],"visibility":"1s"})"},
           {"GET", "/v1/queues/q/messages", ""},
           {"POST", "/v1/queues/q/redrive", R"({"all":true})"},
           {"GET", "/v1/queues/q/redrives/r", ""},
           {"DELETE", "/v1/queues/q/redrives/r", ""},
           {"POST", "/v1/queues/q/pause", ""},
           {"POST", "/v1/queues/q/resume", ""},
           {"POST", "/v1/queues/q/purge", ""}}) {
    EXPECT_EQ(ask(method, path, body).status, 503) << method << " " << path;
  }
}

TEST_F(DoorTest, UnknownPathsAndMethods) {
  EXPECT_EQ(ask("GET", "/v1/nothing").status, 404);
  auto wrong = ask("PATCH", "/v1/topics/t");
  EXPECT_EQ(wrong.status, 405);
  EXPECT_EQ(wrong.fields.get("allow"), "PUT, GET, DELETE");
  EXPECT_EQ(ask("GET", "/v1/topics/%zz").status, 400);
}

TEST_F(DoorTest, OtherMediaTypesAreRefused) {
  for (const char* type :
       {"text/plain", "application/x-www-form-urlencoded", "application/jsonx", "multipart/form-data"}) {
    auto response = ask("PUT", "/v1/topics/t", "{}", {{"Content-Type", type}});
    EXPECT_EQ(response.status, 415) << type;
    EXPECT_THAT(response.body, HasSubstr("application/json"));
  }
  EXPECT_EQ(ask("PUT", "/v1/topics/t", "{}", {{"Content-Type", "Application/JSON; charset=utf-8"}}).status,
            201);
}

TEST_F(DoorTest, CompressedBodiesAreRefused) {
  std::vector<std::pair<std::string, std::string>> gzip = {{"Content-Encoding", "gzip"}};
  EXPECT_EQ(ask("PUT", "/v1/topics/t", "x", gzip).status, 415);
  EXPECT_EQ(
      ask("POST", "/v1/topics/t/records", "x", {{"Content-Encoding", "gzip"}, {"Content-Type", "text/plain"}})
          .status,
      415);
}

TEST_F(DoorTest, UnknownParametersAreRefusedByEveryCall) {
  EXPECT_EQ(ask("GET", "/v1/topics/t?verbose=1").status, 400);
  EXPECT_EQ(ask("POST", "/v1/queues/q/pause?now=1").status, 400);
  EXPECT_EQ(ask("GET", "/v1/flow?x=1").status, 400);
  EXPECT_EQ(ask("GET", "/healthz?x=1").status, 200);
}

TEST_F(DoorTest, TopicsAreMadeShownAndDeleted) {
  auto made = ask(
      "PUT", "/v1/topics/t",
      R"({"partitions": 2, "retention": {"time": "1d", "size": "1GiB"}, "cleanup": "compact", "timestamps": "append"})");
  EXPECT_EQ(made.status, 201);
  EXPECT_EQ(broker_.topic_change.retention_time, std::chrono::days(1));
  EXPECT_EQ(broker_.topic_change.retention_bytes, 1_GiB);
  EXPECT_EQ(broker_.topic_change.cleanup, broker::Cleanup::compact);
  EXPECT_EQ(ask("PUT", "/v1/topics/t").status, 200);
  Json topic = json(ask("GET", "/v1/topics/t"));
  EXPECT_EQ(topic["durability"], "flushed");
  EXPECT_EQ(topic["max_message_size"], "4MiB");
  EXPECT_EQ(topic["partitions"][0]["next_offset"], 0);
  EXPECT_EQ(topic["producers"][0]["service"], "order");
  EXPECT_EQ(topic["consumers"][0]["queue"], "q");
  EXPECT_EQ(json(ask("GET", "/v1/topics"))["topics"].size(), 1U);
  EXPECT_EQ(ask("DELETE", "/v1/topics/t").status, 204);
  EXPECT_EQ(ask("GET", "/v1/topics/t").status, 404);
  ask("PUT", "/v1/topics/t", R"({"durability": "memory", "max_message_size": "1MiB"})");
  EXPECT_EQ(broker_.topic_change.message_bytes_max, 1_MiB);
  EXPECT_EQ(broker_.topic_change.durability, broker::Durability::memory);
  EXPECT_THAT(ask("PUT", "/v1/topics/t", R"({"durability": "sometimes"})").body,
              HasSubstr("right is one of"));
  EXPECT_THAT(ask("PUT", "/v1/topics/t", R"({"retention": {"tiem": "1d"}})").body,
              HasSubstr("retention.tiem: is not known; known are time, size"));
}

TEST_F(DoorTest, RecordsAreDeletedOfAllPartitionsAskedForOrOfNone) {
  ask("PUT", "/v1/topics/t", R"({"partitions": 2})");
  auto cut = [&](std::string body) { return ask("POST", "/v1/topics/t/delete_records", std::move(body)); };
  auto done = cut(R"({"partitions": [{"partition": 1, "before_offset": "next"}]})");
  EXPECT_EQ(done.status, 200);
  EXPECT_EQ(broker_.called, "delete_records t 1 -1");
  EXPECT_EQ(json(done)["partitions"][0]["first_offset"], 100);
  cut(R"({"partitions": [{"partition": 0, "before_offset": 0}]})");
  EXPECT_EQ(broker_.called, "delete_records t 0 0");
  broker_.called.clear();
  for (const char* body :
       {"{}", R"({"partitions": []})", R"({"partitions": [{"partition": 0}]})",
        R"({"partitions": [{"partition": 0, "before_offset": 0}, {"partition": 2, "before_offset": 0}]})",
        R"({"partitions": [{"partition": 0, "before_offset": 0}, {"partition": 0, "before_offset": 0}]})",
        R"({"partitions": [{"partition": 0, "before_offset": 99}]})",
        R"({"partitions": [{"partition": 0, "before_offset": -2}]})"}) {
    EXPECT_EQ(cut(body).status, 400) << body;
  }
  EXPECT_EQ(broker_.called, "");
}

TEST_F(DoorTest, ABackupNeedsAnAbsolutePathAndAnEngineWithFiles) {
  for (const char* body : {"{}", R"({"directory": "here"})", R"({"directory": ""})", R"({"directory": 1})"}) {
    EXPECT_EQ(ask("POST", "/v1/backup", body).status, 400) << body;
  }
  auto refused = ask("POST", "/v1/backup", R"({"directory": "/backups/monday"})");
  EXPECT_THAT(refused.body, HasSubstr("keeps no files"));
  EXPECT_THAT(ask("GET", "/metrics").body, HasSubstr("pabal_backups_total{outcome=\"failed\"} 1\n"));
}

TEST_F(DoorTest, ATopicIsShownWhateverTheFlowSays) {
  ask("PUT", "/v1/topics/t");
  seeing_.flow =
      R"({"edges":[{"from":"topic:t","to":"queue:q","kind":"delivers","rate":null,"last_seen":null}, null, {}]})";
  Json topic = json(ask("GET", "/v1/topics/t"));
  EXPECT_EQ(topic["consumers"][0]["queue"], "q");
  EXPECT_EQ(topic["consumers"][0]["last_seen"], nullptr);
  for (const char* flow : {"", "[]", "{}", R"({"edges":null})", R"({"edges":{}})"}) {
    seeing_.flow = flow;
    EXPECT_EQ(ask("GET", "/v1/topics/t").status, 200) << flow;
  }
}

TEST_F(DoorTest, HealthReadinessAndMetrics) {
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_EQ(json(ask("GET", "/readyz"))["status"], "ready");
  broker_.queues_by_name["a\"b"].name = "a\"b";
  ask("GET", "/v1/topics");
  ask("GET", "/v1/nothing");
  auto metrics = ask("GET", "/metrics");
  EXPECT_THAT(metrics.body,
              HasSubstr("pabal_http_requests_total{method=\"GET\",route=\"/v1/topics\",status=\"200\"} 1\n"));
  EXPECT_THAT(metrics.body,
              HasSubstr("pabal_http_requests_total{method=\"\",route=\"other\",status=\"404\"} 1\n"));
  EXPECT_THAT(
      metrics.body,
      HasSubstr("pabal_http_request_seconds_bucket{method=\"GET\",route=\"/v1/topics\",le=\"+Inf\"} 1\n"));
  EXPECT_THAT(metrics.body, HasSubstr("pabal_queue_ready{queue=\"a\\\"b\"} 0\n"));
  EXPECT_THAT(metrics.body, HasSubstr("pabal_storage_state{state=\"ok\"} 1\n"));
}

TEST_F(DoorTest, AStoppingDoorTakesNoNewCalls) {
  door_->draining().begin();
  auto response = ask("GET", "/v1/topics");
  EXPECT_EQ(response.status, 503);
  EXPECT_NE(response.fields.find("retry-after"), nullptr);
  EXPECT_EQ(door_->draining().working(), 0);
}

TEST_F(DoorTest, TheDescriptionHasEveryRoute) {
  auto response = ask("GET", "/v1/openapi.json");
  Json openapi = json(response);
  EXPECT_EQ(openapi["openapi"], "3.1.0");
  EXPECT_GT(door_->table().routes().size(), 30U);
  std::set<std::string> ids;
  for (const Route& route : door_->table().routes()) {
    std::string method(route.method);
    for (char& c : method) c = static_cast<char>(std::tolower(c));
    Json op = openapi["paths"][std::string(route.pattern)][method];
    ASSERT_TRUE(op.is_object()) << route.pattern;
    EXPECT_TRUE(ids.insert(op["operationId"]).second) << op["operationId"];
    EXPECT_FALSE(route.doc.summary.empty()) << route.pattern;
    EXPECT_TRUE(op["responses"].contains(std::to_string(route.doc.status)));
  }
}

TEST_F(DoorTest, TheExamplesOfRequestsAreRead) {
  for (const Route& route : door_->table().routes()) {
    if (route.doc.request.empty()) continue;
    if (route.pattern == "/v1/backup") continue;            // the memory engine keeps no files
    if (route.pattern.starts_with("/v1/groups")) continue;  // group_calls_test has groups
    auto response =
        ask(std::string(route.method), std::string(route.pattern), std::string(route.doc.request));
    EXPECT_LT(response.status, 300) << route.pattern << " " << response.body;
  }
}

TEST_F(DoorTest, TokensOpenAllButProbesAndThePage) {
  make_door(Access("127.0.0.1:8080", {}, *Tokens::parse("alice 0123456789abcdef", "f")));
  EXPECT_EQ(ask("GET", "/healthz").status, 200);
  EXPECT_NE(ask("GET", "/").status, 401);
  auto refused = ask("GET", "/v1/topics");
  EXPECT_EQ(refused.status, 401);
  EXPECT_EQ(refused.fields.get("www-authenticate"), "Bearer");
  EXPECT_EQ(ask("GET", "/metrics").status, 401);
  EXPECT_EQ(ask("GET", "/v1/nothing").status, 401);
  std::vector<std::pair<std::string, std::string>> token = {{"Authorization", "Bearer 0123456789abcdef"}};
  EXPECT_EQ(ask("GET", "/v1/topics", "", token).status, 200);
  ask("POST", "/v1/topics/t/records", R"({"records": [{"value": 1}]})", token);
  EXPECT_EQ(broker_.service, "alice");
}

TEST_F(DoorTest, AForeignHostGetsNothing) {
  for (const char* path : {"/", "/v1/topics", "/healthz", "/v1/nothing"}) {
    auto response = ask("GET", path, "", {{"Host", "evil.example:8080"}});
    EXPECT_EQ(response.status, 403) << path;
  }
}

TEST_F(DoorTest, ThePageAndItsFiles) {
  auto page = ask("GET", "/", "", {{"Accept-Encoding", "gzip, br"}});
  if (page.status == 404) GTEST_SKIP() << "this build has no console: node and npm are missing";
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.fields.get("content-encoding"), "gzip");
  EXPECT_THAT(std::string(page.fields.get("content-security-policy")), HasSubstr("default-src 'self'"));
  EXPECT_EQ(page.fields.get("x-content-type-options"), "nosniff");
  std::string etag(page.fields.get("etag"));
  auto again = ask("GET", "/", "", {{"If-None-Match", etag}});
  EXPECT_EQ(again.status, 304);
  EXPECT_TRUE(again.body.empty());
  auto deep = ask("GET", "/queues/notification.mail", "", {{"Accept", "text/html,*/*"}});
  EXPECT_EQ(deep.status, 200);
  EXPECT_THAT(deep.body, HasSubstr("<html"));  // not asked for gzip
  EXPECT_EQ(ask("GET", "/queues/notification.mail").status, 404);
  EXPECT_EQ(ask("GET", "/v1/nothing", "", {{"Accept", "text/html"}}).status, 404);
  EXPECT_EQ(ask("POST", "/", "x", {{"Accept", "text/html"}}).status, 404);
}

TEST_F(DoorTest, SeeingIsPassedOn) {
  EXPECT_THAT(ask("GET", "/v1/flow").body, HasSubstr("edges"));
  EXPECT_EQ(ask("GET", "/v1/overview").body, "{\"figures\":{}}");
  EXPECT_EQ(ask("GET", "/v1/trace/O-4711%2F1").body, "{\"id\":\"O-4711/1\"}");
  EXPECT_EQ(ask("POST", "/v1/traces", "{}").status, 200);
  EXPECT_EQ(ask("POST", "/v1/traces", "x", {{"Content-Type", "application/x-protobuf"}}).status, 415);
  EXPECT_EQ(
      ask("GET", "/v1/overview/stream", "", {{"Accept", "text/event-stream"}}).fields.get("content-type"),
      "text/event-stream");
}

}  // namespace
}  // namespace pabal::doors
