#include "doors/http/queue_calls.h"

#include "doors/http/door_fixture.h"

namespace pabal::doors {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

class QueueCallsTest : public DoorFixture {
 protected:
  static constexpr const char* path = "/v1/queues/q";
};

TEST_F(QueueCallsTest, PutReadsEverySetting) {
  auto response =
      ask("PUT", path, R"({"topic": "t", "from": "earliest", "visibility": "45s", "max_deliveries": 5,
      "backoff": {"first": "2s", "factor": 3}, "dead_letter": "d", "order": "key", "on_dead": "hold", "look_ahead": 10,
      "max_depth": 100, "max_bytes": "1MiB", "max_age": "1d", "overflow": "release",
      "filter": {"type": ["OrderPaid", {"prefix": "Order"}], "header": {"country": [{"anything-but": ["KR"]}, {"exists": false}],
                 "n": [{"numeric": [">", 1, "<=", 5.5]}, 7]}}})");
  EXPECT_EQ(response.status, 201) << response.body;
  const broker::QueueChange& c = broker_.queue_change;
  EXPECT_EQ(c.topic, "t");
  EXPECT_EQ(c.visibility, std::chrono::seconds(45));
  EXPECT_EQ(c.backoff->first, std::chrono::seconds(2));
  EXPECT_EQ(c.backoff->factor, 3);
  EXPECT_EQ(c.backoff->max, std::chrono::minutes(5));
  EXPECT_EQ(c.order, broker::KeyOrder::by_key);
  EXPECT_EQ(c.on_dead, broker::OnDead::hold);
  EXPECT_EQ(c.max_bytes, 1_MiB);
  EXPECT_EQ(c.overflow, broker::Overflow::release);
  ASSERT_EQ(c.filter->headers.size(), 3U);
  EXPECT_EQ(c.filter->headers[0].first, "ce_type");
  EXPECT_EQ(c.filter->headers[0].second[1].kind, broker::Match::Kind::prefix);
  EXPECT_THAT(c.filter->headers[1].second[0].any_of, ElementsAre("KR"));
  EXPECT_FALSE(c.filter->headers[1].second[1].exists);
  EXPECT_EQ(c.filter->headers[2].second[0].numeric.size(), 2U);
  EXPECT_EQ(c.filter->headers[2].second[1].text, "7");
  EXPECT_FALSE(c.push);
  EXPECT_EQ(ask("PUT", path, "{}").status, 200);
  EXPECT_FALSE(broker_.queue_change.topic);
  Json shown = json(ask("GET", path));
  EXPECT_EQ(shown["filter"]["type"][0], "OrderPaid");
  EXPECT_EQ(shown["filter"]["header"]["n"][0]["numeric"], (Json::array({">", 1.0, "<=", 5.5})));
  EXPECT_EQ(shown["backoff"]["first"], "2s");
}

TEST_F(QueueCallsTest, APushSecretIsNeverShownAndSurvivesAChange) {
  std::string secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
  auto made =
      ask("PUT", path, R"({"push": {"url": "http://x/", "secret": ")" + secret + R"(", "concurrency": 3}})");
  EXPECT_THAT(made.body, Not(HasSubstr("MfKQ9")));
  EXPECT_EQ(json(made)["push"]["secret"], "set");
  ask("PUT", path, R"({"push": {"url": "http://y/"}})");
  EXPECT_EQ((*broker_.queue_change.push)->secret, secret);
  EXPECT_EQ((*broker_.queue_change.push)->concurrency, 3);
  ask("PUT", path, R"({"push": {"secret": "set", "timeout": "3s"}})");
  EXPECT_EQ((*broker_.queue_change.push)->secret, secret);
  EXPECT_EQ((*broker_.queue_change.push)->url, "http://y/");
  EXPECT_THAT(ask("GET", "/v1/queues").body, Not(HasSubstr("MfKQ9")));
  EXPECT_EQ(json(ask("PUT", path, R"({"push": null})"))["push"], nullptr);
  EXPECT_EQ(ask("PUT", path, R"({"push": {"url": "ftp://x"}})").status, 400);
  EXPECT_EQ(ask("PUT", path, R"({"push": {"concurrency": 2}})").status, 400);
}

TEST_F(QueueCallsTest, WrongSettingsAreNamed) {
  for (auto [body, field] : std::initializer_list<std::pair<const char*, const char*>>{
           {R"({"visibilty": "3s"})", "visibilty: is not known; known are topic, from, filter, visibility"},
           {R"({"visibility": 30})", "visibility: read 30; right is a duration such as \\\"250ms\\\""},
           {R"({"visibility": "30"})", "visibility"},
           {R"({"max_deliveries": 0})", "max_deliveries: read 0; right is a whole number from 1"},
           {R"({"order": "fifo"})", "order: read \\\"fifo\\\"; right is one of \\\"none\\\", \\\"key\\\""},
           {R"({"from": "now"})", "from"},
           {R"({"filter": {"body": {"a": [1]}}})", "filter.body: is not built yet"},
           {R"({"filter": {"type": "OrderPaid"}})", "filter.type: read \\\"OrderPaid\\\"; right is an array"},
           {R"({"filter": {"type": [{"prefx": "a"}]}})", "filter.type[0].prefx: is not known"},
           {R"({"filter": {"type": [{"prefix": "a", "suffix": "b"}]}})", "filter.type[0]"},
           {R"({"filter": {"header": {"n": [{"numeric": [">"]}]}}})", "right are pairs"},
           {R"({"filter": {"header": {"n": [{"numeric": ["~", 1]}]}}})", "one of = < <= > >="},
           {R"({"backoff": {"factor": 0.5}})", "backoff.factor"},
           {R"({"max_bytes": "10 apples"})", "max_bytes"},
           {R"({"push": "http://x"})", "push: read \\\"http://x\\\"; right is an object with url"},
       }) {
    auto response = ask("PUT", path, body);
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_THAT(response.body, HasSubstr(field)) << body;
  }
  EXPECT_TRUE(broker_.queues_by_name.empty());
}

TEST_F(QueueCallsTest, PostReadsMessages) {
  auto response =
      ask("POST", "/v1/queues/q/messages",
          R"({"messages": [{"body": { "a":1 }, "key": "k", "headers": {"h": "v"}, "delay": "5m", "ttl": "1h"},
                                       {"body_base64": "AAE=", "at": "2026-11-20T00:00:00Z", "priority": 0}]})",
          {{"Correlation-Id", "c1"}});
  EXPECT_EQ(response.body, R"({"messages":[{"id":"q/0"},{"id":"q/1"}]})");
  EXPECT_EQ(broker_.posted[0].body, "{ \"a\":1 }");
  EXPECT_EQ(broker_.posted[0].key, "k");
  EXPECT_EQ(broker_.posted[0].headers[0].name, "h");
  EXPECT_EQ(broker_.posted[0].headers[1].value, "c1");
  EXPECT_TRUE(broker_.posted[0].due);
  EXPECT_EQ(broker_.posted[0].ttl, std::chrono::hours(1));
  EXPECT_EQ(broker_.posted[1].body, std::string("\0\1", 2));
  for (const char* wrong :
       {R"({"messages": [{"body": 1, "priority": 3}]})", R"({"messages": [{"body": 1, "dedup_id": "x"}]})",
        R"({"messages": [{}]})", "{}", R"({"messages": [{"body": 1, "delay": "367d"}]})",
        R"({"messages": [{"body": 1, "at": "2126-01-01T00:00:00Z"}]})",
        R"({"messages": [{"body": 1, "delay": "1s", "at": "2026-01-01T00:00:00Z"}]})"}) {
    EXPECT_EQ(ask("POST", "/v1/queues/q/messages", wrong).status, 400) << wrong;
  }
}

TEST_F(QueueCallsTest, ReceiveGivesWholeMessages) {
  broker_.messages_to_give = {
      {"id1", "lease1", "k", "{ \"a\":1}", {{"ce_type", "T"}}, 2, WallTime()},
      {"id2", "lease2", std::nullopt, std::string("\xff"), {{"n", std::nullopt}}, 1, WallTime()},
      {"id3", "lease3", std::nullopt, std::nullopt, {}, 1, WallTime()}};
  auto response = ask("POST", "/v1/queues/q/receive", R"({"max": 3, "wait": "20s", "visibility": "5s"})",
                      {{"Pabal-Service", "mail"}});
  EXPECT_THAT(
      response.body,
      HasSubstr(
          R"({"id":"id1","lease":"lease1","key":"k","body":{ "a":1},"headers":{"ce_type":"T"},"delivery":2,"enqueued_at":"1970-01-01T00:00:00.000Z"})"));
  Json messages = json(response)["messages"];
  EXPECT_EQ(messages[1]["body_base64"], "/w==");
  EXPECT_EQ(messages[1]["header_list"].size(), 1U);
  EXPECT_EQ(messages[2]["tombstone"], true);
  EXPECT_EQ(broker_.received.max, 3);
  EXPECT_EQ(broker_.received.wait, std::chrono::seconds(20));
  EXPECT_EQ(broker_.received.service, "mail");
  EXPECT_EQ(ask("POST", "/v1/queues/q/receive").status, 200);
  EXPECT_EQ(broker_.received.max, 10);
  for (const char* wrong : {R"({"wait": "61s"})", R"({"max": 0})", R"({"max": 1001})", R"({"min": 1})"}) {
    EXPECT_EQ(ask("POST", "/v1/queues/q/receive", wrong).status, 400) << wrong;
  }
}

TEST_F(QueueCallsTest, WhatAGoneClientWasGivenGoesBackUncounted) {
  broker_.messages_to_give = {{"id1", "lease1", "k", "1", {}, 2, WallTime()}};
  broker_.hangs_up_while_it_waits = std::make_shared<runtime::HangUp>();
  runtime::HttpRequest request{.method = "POST", .target = "/v1/queues/q/receive"};
  request.fields.add("Host", "localhost");
  request.hang_up = broker_.hangs_up_while_it_waits;
  EXPECT_EQ(run(door_->handle(std::move(request))).status, 503);
  EXPECT_THAT(broker_.nacked.leases, ElementsAre("lease1"));
  EXPECT_FALSE(broker_.nacked.counts);
  EXPECT_EQ(broker_.nacked.delay, Duration::zero());
  run(door_->handle({}));  // what the hang-up started has run before this
  EXPECT_EQ(broker_.given_up, broker_.received.poll);
  EXPECT_NE(broker_.given_up, 0U);
}

TEST_F(QueueCallsTest, LeasesAreSettledOneByOne) {
  broker_.lease_results = {{"a", true, ""}, {"b", false, "expired"}};
  auto response = ask("POST", "/v1/queues/q/ack", R"({"leases": ["a", "b"]})");
  EXPECT_EQ(response.body,
            R"({"results":[{"lease":"a","ok":true},{"lease":"b","ok":false,"problem":"expired"}]})");
  EXPECT_THAT(broker_.leases, ElementsAre("a", "b"));
  ask("POST", "/v1/queues/q/nack", R"({"leases": ["a"], "delay": "3s", "reason": "no", "dead": true})");
  EXPECT_EQ(broker_.nacked.delay, std::chrono::seconds(3));
  EXPECT_EQ(broker_.nacked.reason, "no");
  EXPECT_TRUE(broker_.nacked.dead);
  ask("POST", "/v1/queues/q/extend", R"({"leases": ["a"], "visibility": "60s"})");
  EXPECT_EQ(broker_.extended, std::chrono::seconds(60));
  EXPECT_EQ(ask("POST", "/v1/queues/q/ack", "{}").status, 400);
  EXPECT_EQ(ask("POST", "/v1/queues/q/ack", R"({"leases": ["a"], "publish": []})").status, 400);
  EXPECT_EQ(ask("POST", "/v1/queues/q/extend", R"({"leases": ["a"]})").status, 400);
}

TEST_F(QueueCallsTest, LooksAtDeadLettersAndRedrivesThem) {
  broker_.looks = {{"id1",
                    broker::MessageState::dead,
                    "k",
                    "{}",
                    {},
                    10,
                    "bad address",
                    std::nullopt,
                    WallTime(),
                    WallTime(),
                    "t",
                    {PartitionIndex(0), Offset(17)}}};
  Json look = json(ask("GET", "/v1/queues/q/messages?state=dead&limit=5&key=k"))["messages"].at(0);
  EXPECT_EQ(look["reason"], "bad address");
  EXPECT_EQ(look["deliveries"], 10);
  EXPECT_EQ(look["died_at"], "1970-01-01T00:00:00.000Z");
  EXPECT_EQ(look["offset"], 17);
  EXPECT_FALSE(look.contains("due"));
  EXPECT_EQ(broker_.looked.limit, 5);
  EXPECT_EQ(ask("GET", "/v1/queues/q/messages?state=gone").status, 400);
  auto redrive = ask("POST", "/v1/queues/a%2Fb/redrive", R"({"ids": ["id1"]})");
  EXPECT_EQ(redrive.status, 202);
  EXPECT_EQ(json(redrive)["links"]["self"], "/v1/queues/a%2Fb/redrives/r1");
  EXPECT_EQ(redrive.fields.get("location"), "/v1/queues/a%2Fb/redrives/r1");
  EXPECT_THAT(broker_.redriven.ids, ElementsAre("id1"));
  ask("POST", "/v1/queues/q/redrive", R"({"all": true, "rate": 100})");
  EXPECT_TRUE(broker_.redriven.all);
  EXPECT_EQ(broker_.redriven.rate, 100);
  for (const char* wrong :
       {"{}", "", R"({"ids": [], "all": true})", R"({"all": "yes"})", R"({"all": true, "rate": -1})"}) {
    EXPECT_EQ(ask("POST", "/v1/queues/q/redrive", wrong).status, 400) << wrong;
  }
  EXPECT_EQ(json(ask("GET", "/v1/queues/q/redrives/r1"))["moved"], 2);
  EXPECT_EQ(json(ask("DELETE", "/v1/queues/q/redrives/r1"))["state"], "running");
}

TEST_F(QueueCallsTest, PauseResumePurgeDelete) {
  EXPECT_EQ(ask("POST", "/v1/queues/%ED%95%9C/pause").status, 204);
  EXPECT_EQ(broker_.called, "pause \xed\x95\x9c");
  EXPECT_EQ(ask("POST", "/v1/queues/q/resume").status, 204);
  EXPECT_EQ(ask("POST", "/v1/queues/q/purge").body, R"({"purged":3})");
  EXPECT_EQ(ask("DELETE", "/v1/queues/q").status, 204);
}

TEST_F(QueueCallsTest, WhatIsNotBuiltIsNotPretended) {
  EXPECT_EQ(ask("POST", "/v1/queues/q/replay", "{}").status, 404);
}

}  // namespace
}  // namespace pabal::doors
