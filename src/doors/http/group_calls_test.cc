#include "doors/http/group_calls.h"

#include "doors/http/door_fixture.h"

namespace pabal::doors {
namespace {

using namespace std::chrono_literals;

struct Silence final : broker::Observer {
  void published(std::string_view, const broker::RecordSeen&, Duration) override {}
  void message(const broker::MessageSeen&) override {}
  void consumer_joined(std::string_view, std::string_view) override {}
  void consumer_left(std::string_view, std::string_view, std::string_view) override {}
};

// A door over a real broker, whose topic `orders` holds three records in each of its two partitions.
class GroupCallsTest : public DoorFixture {
 protected:
  void SetUp() override {
    auto opened = run(broker::Broker::open(*shards_, engine_, silence_, {}));
    ASSERT_TRUE(opened) << opened.error().message;
    real_ = std::move(*opened);
    door_ = std::make_unique<HttpDoor>(HttpDoor::Parts{
        *shards_, *real_, engine_, seeing_, Access("127.0.0.1:8080", {}, {}), {}, {}, "0.1.0"});
    ASSERT_EQ(ask("PUT", "/v1/topics/orders", R"({"partitions": 2})").status, 201);
    for (int i = 0; i < 6; ++i) {
      auto put = ask("POST", "/v1/topics/orders/records",
                     fmt::format(R"({{"records": [{{"value": {}, "partition": {}}}]}})", i, i % 2));
      ASSERT_EQ(put.status, 200) << put.body;
    }
  }
  void TearDown() override { run(real_->stop()); }

  // One member, which has partition 1 of `orders` to itself.
  void join() {
    broker::JoinAnswer joined = run(real_->groups().join({.group = "readers",
                                                          .client = "analytics",
                                                          .host = "/10.0.0.7",
                                                          .session_timeout = 30s,
                                                          .rebalance_timeout = 60s,
                                                          .protocol_type = "consumer",
                                                          .protocols = {{"range", subscription}}}));
    ASSERT_EQ(joined.error, broker::GroupError::none);
    broker::SyncGroup sync{.claim = {"readers", joined.member, {}, joined.generation}};
    sync.assignments[joined.member] = assignment;
    ASSERT_EQ(run(real_->groups().sync(std::move(sync))).error, broker::GroupError::none);
    member_ = joined.member;
  }
  void leave() {
    ASSERT_EQ(run(real_->groups().leave("readers", {{.member = member_, .reason = "closing"}})).each.at(0),
              broker::GroupError::none);
  }
  runtime::HttpResponse reset(std::string body) {
    return ask("POST", "/v1/groups/readers/reset", std::move(body));
  }
  Json committed() {
    Json offsets = Json::array();
    for (const Json& p : json(ask("GET", "/v1/groups/readers"))["partitions"])
      offsets.push_back(p["committed"]);
    return offsets;
  }

  const Bytes subscription = {0, 0, 0, 0, 0, 1, 0, 6, 'o', 'r', 'd', 'e', 'r', 's', 0xff, 0xff, 0xff, 0xff};
  const Bytes assignment = {0, 0, 0, 0, 0, 1, 0, 6, 'o', 'r', 'd', 'e', 'r', 's', 0, 0, 0, 1, 0, 0, 0, 1};
  Silence silence_;
  std::unique_ptr<broker::Broker> real_;
  std::string member_;
};

TEST_F(GroupCallsTest, a_group_is_shown_with_its_members_its_lag_and_its_last_rebalance) {
  join();
  ASSERT_EQ(run(real_->groups().commit({{"readers", member_, {}, broker::Generation(1)},
                                        {{.at = {"orders", PartitionIndex(1)}, .offset = Offset(2)}}}))
                .each.at(0),
            broker::GroupError::none);
  Json row = json(ask("GET", "/v1/groups"))["groups"].at(0);
  EXPECT_EQ(row["name"], "readers");
  EXPECT_EQ(row["state"], "stable");
  EXPECT_EQ(row["topics"], Json::array({"orders"}));
  EXPECT_EQ(row["members"], 1);
  EXPECT_EQ(row["lag"], 1);
  EXPECT_EQ(row["last_rebalance"]["reason"], "analytics at 10.0.0.7 joined");
  Json whole = json(ask("GET", "/v1/groups/readers"));
  Json member = whole["member_list"].at(0);
  EXPECT_EQ(member["client"], "analytics");
  EXPECT_EQ(member["address"], "10.0.0.7");
  EXPECT_EQ(member["subscribed"], Json::array({"orders"}));
  EXPECT_EQ(member["assigned"].dump(), R"([{"topic":"orders","partitions":[1]}])");
  ASSERT_EQ(whole["partitions"].size(), 1u);
  Json partition = whole["partitions"].at(0);
  EXPECT_EQ(partition["committed"], 2);
  EXPECT_EQ(partition["next_offset"], 3);
  EXPECT_EQ(partition["lag"], 1);
  EXPECT_EQ(partition["client"], "analytics");
  leave();
  whole = json(ask("GET", "/v1/groups/readers"));
  EXPECT_EQ(whole["state"], "empty");
  EXPECT_EQ(whole["last_rebalance"]["reason"], "analytics at 10.0.0.7 left: closing");
  EXPECT_EQ(whole["partitions"].at(0)["member"], nullptr);
  EXPECT_EQ(ask("GET", "/v1/groups/nobody").status, 404);
}

TEST_F(GroupCallsTest, records_that_went_before_they_were_read_are_counted_apart) {
  ASSERT_EQ(reset(R"({"topic": "orders", "to": "earliest"})").status, 200);
  ASSERT_EQ(ask("POST", "/v1/topics/orders/delete_records",
                R"({"partitions": [{"partition": 0, "before_offset": 2}]})")
                .status,
            200);
  Json partition = json(ask("GET", "/v1/groups/readers"))["partitions"].at(0);
  EXPECT_EQ(partition["lag"], 1);
  EXPECT_EQ(partition["removed_unread"], 2);
}

TEST_F(GroupCallsTest, offsets_are_reset_to_earliest_latest_a_time_or_an_offset) {
  EXPECT_EQ(reset(R"({"to": "earliest"})").status, 404);  // of no topic known
  EXPECT_EQ(
      json(reset(R"({"topic": "orders", "to": "latest"})"))["partitions"].dump(),
      R"([{"topic":"orders","partition":0,"from":null,"to":3},{"topic":"orders","partition":1,"from":null,"to":3}])");
  EXPECT_EQ(committed().dump(), "[3,3]");
  EXPECT_EQ(json(reset(R"({"to": "earliest", "dry_run": true})"))["partitions"].at(1)["to"], 0);
  EXPECT_EQ(committed().dump(), "[3,3]");
  EXPECT_EQ(reset(R"({"topic": "orders", "partition": 1, "offset": 2})").status, 200);
  EXPECT_EQ(committed().dump(), "[3,2]");
  EXPECT_EQ(reset(R"({"to": "1999-12-31T00:00:00Z"})").status, 200);
  EXPECT_EQ(committed().dump(), "[0,0]");
}

TEST_F(GroupCallsTest, the_examples_of_requests_are_read) {
  ask("PUT", "/v1/topics/order.events", "{}");
  for (const Route& route : door_->table().routes()) {
    if (!route.pattern.starts_with("/v1/groups") || route.doc.request.empty()) continue;
    auto response =
        ask(std::string(route.method), "/v1/groups/readers/reset", std::string(route.doc.request));
    EXPECT_EQ(response.status, 200) << response.body;
  }
}

TEST_F(GroupCallsTest, a_reset_that_cannot_be_says_why_and_changes_nothing) {
  ASSERT_EQ(reset(R"({"topic": "orders", "to": "earliest"})").status, 200);
  EXPECT_EQ(reset(R"({"topic": "orders", "offset": 4})").status, 400);
  EXPECT_EQ(reset(R"({"topic": "orders", "partition": 2, "to": "latest"})").status, 400);
  EXPECT_EQ(reset(R"({"topic": "none", "to": "latest"})").status, 404);
  EXPECT_EQ(reset(R"({"to": "yesterday"})").status, 400);
  EXPECT_EQ(reset(R"({"to": "latest", "offset": 1})").status, 400);
  EXPECT_EQ(reset("{}").status, 400);
  EXPECT_EQ(reset(R"({"partition": 1, "to": "latest"})").status, 400);
  EXPECT_EQ(committed().dump(), "[0,0]");
  join();
  auto refused = reset(R"({"to": "latest", "dry_run": true})");
  EXPECT_EQ(refused.status, 409);
  EXPECT_THAT(refused.body, testing::HasSubstr("stop its consumers"));
  EXPECT_EQ(ask("DELETE", "/v1/groups/readers").status, 409);
  leave();
  EXPECT_EQ(ask("DELETE", "/v1/groups/readers").status, 204);
  EXPECT_EQ(ask("DELETE", "/v1/groups/readers").status, 404);
}

}  // namespace
}  // namespace pabal::doors
