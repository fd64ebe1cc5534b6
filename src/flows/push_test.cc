#include "flows/push.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/step_shards.h"
#include "flows/fake_broker.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;
using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;
using testing::StartsWith;

using Answer = Result<runtime::HttpResponse>;

// An endpoint whose answers a test writes; each takes its time.
struct Endpoint {
  explicit Endpoint(runtime::Timers& its_timers) : timers(its_timers) {}
  runtime::Timers& timers;
  std::function<Answer(const runtime::HttpRequest&)> answer = [](const auto&) { return Answer{}; };
  Duration takes = 10ms;
  std::vector<std::string> bodies;  // in the order they came
  std::vector<runtime::HttpRequest> requests;
  int open = 0;
  int open_max = 0;
};

class FakeClient final : public runtime::HttpClient {
 public:
  explicit FakeClient(Endpoint& endpoint) : endpoint_(endpoint) {}
  runtime::Task<Answer> request(const runtime::Url&, runtime::HttpRequest request,
                                Deadline deadline) override {
    endpoint_.bodies.push_back(request.body);
    endpoint_.requests.push_back(request);
    endpoint_.open_max = std::max(endpoint_.open_max, ++endpoint_.open);
    Instant done = endpoint_.timers.clock().now() + endpoint_.takes;
    co_await runtime::sleep_until(endpoint_.timers, std::min(done, deadline.at()));
    --endpoint_.open;
    if (done > deadline.at()) co_return error(ErrorCode::timed_out, "member:1 gave no answer in time");
    co_return endpoint_.answer(request);
  }
  runtime::Task<Answer> stream(const runtime::Url&, runtime::HttpRequest, Deadline,
                               std::function<bool(std::string_view)>) override {
    co_return error(ErrorCode::unsupported, "not here");
  }

 private:
  Endpoint& endpoint_;
};

struct PushTest : testing::Test {
  engine::StepShards shards;
  runtime::Timers& timers = shards.at(0).timers();
  FakeBroker broker{timers};
  Observatory observatory{shards};
  Endpoint endpoint{timers};
  Push push{shards, broker, observatory, {.make_client = [this](auto) {
              return std::make_unique<FakeClient>(endpoint);
            }}};

  PushTest() {
    broker.add_queue("member.points", "order.events").settings.push =
        broker::PushSettings{.url = "http://member:1/events"};
  }
  ~PushTest() override {
    shards.run(push.stop(Deadline::after(shards.clock(), 1s)));
    shards.run(broker.stop());
    shards.advance(2min);
  }
  void start() { shards.run(push.start()), shards.settle(); }
  void put(int count) {
    for (int i = 1; i <= count; ++i) {
      std::string id = std::to_string(i);
      broker.put_message({.id = id, .lease = "", .key = "k", .body = id, .headers = {}, .enqueued_at = {}});
    }
  }
  static Answer status(int status, std::string body = "") {
    runtime::HttpResponse response;
    response.status = status;
    response.body = std::move(body);
    return response;
  }
  const std::map<std::string, Resting, std::less<>>& resting() {
    shards.settle();
    return observatory.memory().resting;
  }
};

TEST_F(PushTest, AnAnswerOf2xxAcks) {
  put(3);
  start();
  endpoint.answer = [](const auto&) { return status(204); };
  shards.advance(1s);
  EXPECT_THAT(broker.settled, ElementsAre("acked 1", "acked 2", "acked 3"));
  EXPECT_EQ(broker.received[0].via, "push");
  EXPECT_EQ(broker.received[0].service, "member");
  EXPECT_GT(*broker.received[0].visibility, 10s);
}

TEST_F(PushTest, AMessageTheEndpointRefusesForGoodDiesAtOnceWithItsAnswer) {
  for (int code : {400, 413, 415, 422}) {
    broker.settled.clear();
    put(1);
    endpoint.answer = [code](const auto&) { return status(code, R"({"detail": "amount: read 12,50"})"); };
    start();
    shards.advance(1s);
    EXPECT_THAT(broker.settled, ElementsAre(fmt::format("dead 1: answered {}: amount: read 12,50", code)));
  }
}

TEST_F(PushTest, EverythingElseIsANack) {
  std::vector<int> codes = {301, 401, 404, 409, 500, 501};
  endpoint.answer = [&](const auto& request) {
    return status(codes[static_cast<size_t>(std::stoi(request.body)) - 1]);
  };
  put(6);
  start();
  shards.advance(500ms);
  EXPECT_THAT(broker.settled,
              ElementsAre("nacked 1: answered 301 (redirects are not followed)", "nacked 2: answered 401",
                          "nacked 3: answered 404", "nacked 4: answered 409", "nacked 5: answered 500",
                          "nacked 6: answered 501"));
}

TEST_F(PushTest, GarbageIsANackBecauseSomebodyIsThere) {
  endpoint.answer = [](const auto&) -> Answer {
    return error(ErrorCode::peer_failed, "member:1 answered something that is not HTTP/1.1: bad version");
  };
  put(1);
  start();
  shards.advance(500ms);
  ASSERT_THAT(broker.settled, SizeIs(1));
  EXPECT_TRUE(broker.settled[0].starts_with("nacked 1: member:1 answered something"));
  EXPECT_THAT(resting(), IsEmpty());
}

TEST_F(PushTest, AnEndpointThatIsDownForAnHourLosesNothingAndIsProbedLessAndLess) {
  endpoint.answer = [](const auto&) -> Answer { return error(ErrorCode::peer_failed, "refused"); };
  put(100);
  start();
  shards.advance(1h);
  EXPECT_THAT(broker.settled, Each(StartsWith("returned ")));
  EXPECT_EQ(broker.waiting(), 100u);
  EXPECT_LT(endpoint.bodies.size(), 8u + 7 + 3600 / 45);
  EXPECT_GT(endpoint.bodies.size(), 3600u / 75);
  ASSERT_TRUE(resting().contains("member.points"));
  EXPECT_EQ(resting().at("member.points").reason, "refused");
  auto tries = observatory.memory().trace.find({"1"}, 100).entries;
  ASSERT_FALSE(tries.empty());
  EXPECT_EQ(tries[0].reason, "refused");
  EXPECT_GE(shards.clock().wall_now() - resting().at("member.points").since, 59min);

  endpoint.answer = [](const auto&) { return status(200); };
  broker.settled.clear();
  shards.advance(2min);
  EXPECT_THAT(broker.settled, SizeIs(100));
  EXPECT_THAT(broker.settled, Each(StartsWith("acked ")));
  EXPECT_THAT(resting(), IsEmpty());
}

TEST_F(PushTest, RestsAfterEachSignOfAbsenceOrPressure) {
  for (int code : {429, 502, 503, 504, 0}) {
    broker.settled.clear();
    put(1);
    endpoint.answer = [code](const auto&) -> Answer {
      if (code == 0) return error(ErrorCode::peer_failed, "reset");
      return status(code);
    };
    start();
    shards.advance(500ms);
    EXPECT_THAT(endpoint.bodies, SizeIs(1));
    EXPECT_THAT(broker.settled, Each(StartsWith("returned 1: ")));
    EXPECT_TRUE(resting().contains("member.points"));
    endpoint.answer = [](const auto&) { return status(200); };
    shards.advance(5min);
    EXPECT_EQ(broker.settled.back(), "acked 1");
    endpoint.bodies.clear();
  }
}

TEST_F(PushTest, RetryAfterIsHonoured) {
  endpoint.answer = [](const auto&) {
    Answer answer = status(503);
    answer->fields.add("Retry-After", "600");
    return answer;
  };
  put(1);
  start();
  shards.advance(9min);
  EXPECT_THAT(endpoint.bodies, SizeIs(1));
  endpoint.answer = [](const auto&) { return status(200); };
  shards.advance(2min);
  EXPECT_THAT(endpoint.bodies, SizeIs(2));
  EXPECT_EQ(broker.settled.back(), "acked 1");
}

TEST_F(PushTest, AMessageThatIsNeverAnsweredDoesNotHoldUpTheOthers) {
  broker.queue_list[0].settings.push->concurrency = 1;
  endpoint.answer = [](const auto&) { return status(200); };
  start();
  put(3);
  endpoint.takes = 1h;
  shards.advance(10s);  // the first is out and not answered
  endpoint.takes = 10ms;
  shards.advance(3min);
  EXPECT_EQ(broker.waiting(), 0u);
  EXPECT_THAT(broker.settled,
              ElementsAre("returned 1: member:1 gave no answer in time", "acked 2", "acked 3", "acked 1"));
}

TEST_F(PushTest, Status410PausesTheSubscription) {
  endpoint.answer = [](const auto&) { return status(410); };
  put(1);
  start();
  shards.advance(1min);
  EXPECT_THAT(broker.settled, ElementsAre("returned 1: answered 410"));
  EXPECT_TRUE(broker.paused.contains("member.points"));
  EXPECT_THAT(endpoint.bodies, SizeIs(1));
}

TEST_F(PushTest, KeepsToItsConcurrencyAndToTheOrderOfTheQueue) {
  broker.queue_list[0].settings.push->concurrency = 3;
  endpoint.answer = [](const auto&) { return status(200); };
  put(20);
  start();
  shards.advance(1s);
  EXPECT_EQ(endpoint.open_max, 3);
  EXPECT_THAT(endpoint.bodies, SizeIs(20));
  broker.queue_list[0].settings.push->concurrency = 1;
  observatory.changed(broker::Change::queue_changed, "member.points");
  endpoint.bodies.clear();
  endpoint.open_max = 0;
  shards.advance(61s);  // the receive that was already waiting asked for three
  put(5);
  shards.advance(1s);
  EXPECT_EQ(endpoint.open_max, 1);
  EXPECT_THAT(endpoint.bodies, ElementsAre("1", "2", "3", "4", "5"));
}

TEST_F(PushTest, AnEndpointThatNamesItselfIsKnownByThatName) {
  endpoint.answer = [](const auto&) {
    Answer answer = status(200);
    answer->fields.add("Pabal-Service", "loyalty");
    return answer;
  };
  put(1);
  start();
  shards.advance(2min);
  EXPECT_EQ(broker.received.back().service, "loyalty");
  EXPECT_EQ(Observatory::shown_name(observatory.memory(), "member.points", "member"), "loyalty");
}

TEST_F(PushTest, FollowsWhatBecomesOfTheQueue) {
  endpoint.answer = [](const auto&) { return status(200); };
  start();
  broker.add_queue("later", "order.events").settings.push = broker::PushSettings{.url = "http://x:1/"};
  observatory.changed(broker::Change::queue_made, "later");
  shards.advance(100ms);
  EXPECT_EQ(broker.received.back().queue, "later");

  broker.queue_list[0].settings.push.reset();
  observatory.changed(broker::Change::queue_changed, "member.points");
  std::erase_if(broker.queue_list, [](const auto& q) { return q.name == "later"; });
  observatory.changed(broker::Change::queue_deleted, "later");
  shards.advance(100ms);
  put(1);
  size_t before = broker.received.size();
  shards.advance(5min);
  EXPECT_EQ(broker.received.size(), before);
  EXPECT_THAT(endpoint.bodies, IsEmpty());
}

TEST_F(PushTest, StopLetsWhatIsOnItsWayEndAndTakesNoMore) {
  endpoint.answer = [](const auto&) { return status(200); };
  endpoint.takes = 500ms;
  put(20);
  start();
  shards.advance(100ms);
  shards.run(push.stop(Deadline::after(shards.clock(), 5s)));
  EXPECT_THAT(broker.settled, SizeIs(8));
  shards.advance(1min);
  EXPECT_THAT(endpoint.bodies, SizeIs(8));
}

TEST(CheckPush, RefusesWhatCannotBePushedTo) {
  broker::PushSettings good{.url = "https://example.com/hook",
                            .secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
  EXPECT_TRUE(check_push(good));
  for (auto url : {"", "file:///etc/passwd", "gopher://x", "http://", "example.com"}) {
    auto bad = good;
    bad.url = url;
    EXPECT_FALSE(check_push(bad)) << url;
  }
  auto bad = good;
  bad.secret = "hunter2";
  EXPECT_FALSE(check_push(bad));
  EXPECT_EQ(check_push(bad).error().message.find("hunter2"), std::string::npos);
  bad = good;
  bad.concurrency = 0;
  EXPECT_FALSE(check_push(bad));
}

}  // namespace
}  // namespace pabal::flows
