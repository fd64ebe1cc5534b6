#include "doors/http/record_calls.h"

#include "base/units.h"
#include "doors/http/door_fixture.h"
#include "protocol/base64.h"

namespace pabal::doors {
namespace {

using testing::HasSubstr;
using testing::Not;

class RecordCallsTest : public DoorFixture {
 protected:
  runtime::HttpResponse publish(std::string body,
                                std::vector<std::pair<std::string, std::string>> fields = {}) {
    return ask("POST", "/v1/topics/t/records", std::move(body), std::move(fields));
  }
  Json first_record() { return json(ask("GET", "/v1/topics/t/records"))["records"].at(0); }
};

TEST_F(RecordCallsTest, PublishAnswersPartitionAndOffset) {
  auto response = publish(R"({"records": [{"key": "k", "value": 1}, {"value": {"a": 2}}]})");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.body, R"({"records":[{"partition":0,"offset":0},{"partition":0,"offset":1}]})");
}

TEST_F(RecordCallsTest, AValueIsStoredAndReadAsTheExactBytesOfItsJson) {
  publish("{\"records\": [{\"key\": \"k\", \"value\": { \"b\" : 1.50,\n \"a\":[ ] ,\"a\":2} }]}");
  EXPECT_THAT(ask("GET", "/v1/topics/t/records").body,
              HasSubstr("\"value\":{ \"b\" : 1.50,\n \"a\":[ ] ,\"a\":2},"));
}

TEST_F(RecordCallsTest, BytesGoAsBase64) {
  publish(R"({"records": [{"key_base64": "/w==", "value_base64": "AAEC"}]})");
  Json record = first_record();
  EXPECT_EQ(record["key_base64"], "/w==");
  EXPECT_EQ(record["value_base64"], "AAEC");
  EXPECT_FALSE(record.contains("value"));
}

TEST_F(RecordCallsTest, ATombstoneIsNotANullValue) {
  publish(R"({"records": [{"key": "k", "tombstone": true}, {"key": "k", "value": null}]})");
  Json records = json(ask("GET", "/v1/topics/t/records"))["records"];
  EXPECT_EQ(records[0]["tombstone"], true);
  EXPECT_TRUE(records[0]["value"].is_null());
  EXPECT_FALSE(records[1].contains("tombstone"));
  EXPECT_TRUE(records[1]["value"].is_null());
}

TEST_F(RecordCallsTest, HeadersThatAnObjectCannotSayComeAsAList) {
  publish(R"({"records": [{"value": 1, "headers": {"a": "1"},
              "header_list": [{"name": "a", "value": "2"}, {"name": "n", "value": null},
                              {"name": "b", "value_base64": "/w=="}]}]})",
          {{"Correlation-Id", "c1"}});
  Json record = first_record();
  EXPECT_EQ(record["headers"]["a"], "1");
  EXPECT_EQ(record["headers"]["correlationid"], "c1");
  EXPECT_EQ(record["header_list"].size(), 5U);
  EXPECT_EQ(record["header_list"][1]["value"], "2");
  EXPECT_TRUE(record["header_list"][2]["value"].is_null());
  EXPECT_EQ(record["header_list"][3]["value_base64"], "/w==");
}

TEST_F(RecordCallsTest, PlainHeadersNeedNoList) {
  publish(R"({"records": [{"value": 1, "headers": {"a": "1"}}]})");
  EXPECT_FALSE(first_record().contains("header_list"));
}

TEST_F(RecordCallsTest, TheFlowIsKept) {
  publish(R"({"records": [{"value": 1}, {"value": 2, "headers": {"correlationid": "own"}}]})",
          {{"Correlation-Id", "c1"},
           {"traceparent", "00-1-2-01"},
           {"tracestate", "a=b"},
           {"Pabal-Service", "order"}});
  Json records = json(ask("GET", "/v1/topics/t/records"))["records"];
  EXPECT_EQ(records[0]["headers"]["correlationid"], "c1");
  EXPECT_EQ(records[0]["headers"]["traceparent"], "00-1-2-01");
  EXPECT_EQ(records[0]["headers"]["tracestate"], "a=b");
  EXPECT_EQ(records[1]["headers"]["correlationid"], "own");
  EXPECT_EQ(broker_.service, "order");
}

TEST_F(RecordCallsTest, AMissingCorrelationIdIsMade) {
  publish(R"({"records": [{"value": 1}, {"value": 2}]})");
  Json records = json(ask("GET", "/v1/topics/t/records"))["records"];
  std::string id = records[0]["headers"]["correlationid"];
  EXPECT_TRUE(Uuid::parse(id));
  EXPECT_NE(records[1]["headers"]["correlationid"], id);
}

TEST_F(RecordCallsTest, ACloudEventIsStoredInTheKafkaBinding) {
  auto response =
      publish(R"({"specversion":"1.0","id":"e1","source":"/s","type":"OrderPaid","partitionkey":"O-1",
                              "correlationid":"c9","causationid":"e0","data":{"x":1}})",
              {{"Content-Type", "application/cloudevents+json"}});
  EXPECT_EQ(response.status, 200);
  Json record = first_record();
  EXPECT_EQ(record["key"], "O-1");
  EXPECT_EQ(record["value"], (Json{{"x", 1}}));
  EXPECT_EQ(record["headers"]["ce_id"], "e1");
  EXPECT_EQ(record["headers"]["ce_type"], "OrderPaid");
  EXPECT_EQ(record["headers"]["content-type"], "application/json");
  EXPECT_EQ(record["headers"]["correlationid"], "c9");
  EXPECT_EQ(record["headers"]["causationid"], "e0");
}

TEST_F(RecordCallsTest, ABinaryCloudEventTakesItsKeyFromTheRequest) {
  publish(
      "{\"x\":1}",
      {{"ce-id", "1"}, {"ce-source", "s"}, {"ce-type", "T"}, {"ce-specversion", "1.0"}, {"Pabal-Key", "k1"}});
  EXPECT_EQ(first_record()["key"], "k1");
  EXPECT_EQ(first_record()["value"], (Json{{"x", 1}}));
}

TEST_F(RecordCallsTest, AnyOtherBodyIsOneRawValue) {
  publish(std::string("\0raw", 4), {{"Content-Type", "application/octet-stream"}, {"Pabal-Key", "k"}});
  Json record = first_record();
  EXPECT_EQ(record["value_base64"], protocol::base64_encode(std::string("\0raw", 4)));
  EXPECT_EQ(record["headers"]["content-type"], "application/octet-stream");
}

TEST_F(RecordCallsTest, SequencesOfASteadyProducer) {
  auto response = publish(R"({"records": [{"value": 1, "sequence": 0}, {"value": 2, "sequence": 7}]})",
                          {{"Pabal-Producer", "relay"}});
  EXPECT_EQ(response.body, R"({"records":[{"duplicate":true},{"partition":0,"offset":0}]})");
  EXPECT_EQ(broker_.producer, "relay");
  publish(R"({"records": [{"value": 1}]})", {{"Pabal-Producer", "relay"}, {"Pabal-Sequence", "12"}});
  EXPECT_EQ(broker_.sequence, 12);
  EXPECT_EQ(publish(R"({"records": [{"value": 1, "sequence": 1}]})").status, 400);
  EXPECT_EQ(publish(R"({"records": [{"value": 1}]})", {{"Pabal-Sequence", "1"}}).status, 400);
  for (const char* wrong : {"x", "-1", "1.5", "", "99999999999999999999"}) {
    EXPECT_EQ(publish(R"({"records": [{"value": 1}]})", {{"Pabal-Producer", "r"}, {"Pabal-Sequence", wrong}})
                  .status,
              400)
        << wrong;
  }
}

TEST_F(RecordCallsTest, AnIdempotencyKeyIsQuotedOrBare) {
  publish(R"({"records": [{"value": 1}]})", {{"Idempotency-Key", "\"a\\\"b\""}});
  EXPECT_EQ(broker_.idempotency->key, "a\"b");
  std::string fingerprint = broker_.idempotency->fingerprint;
  publish(R"({"records": [{"value": 1}]})", {{"Idempotency-Key", "8e03978e"}, {"Pabal-Service", "order"}});
  EXPECT_EQ(broker_.idempotency->key, "8e03978e");
  EXPECT_EQ(broker_.idempotency->scope, "order");
  EXPECT_EQ(broker_.idempotency->fingerprint, fingerprint);
  publish(R"({"records": [{"value": 2}]})", {{"Idempotency-Key", "8e03978e"}});
  EXPECT_NE(broker_.idempotency->fingerprint, fingerprint);
  for (const char* wrong : {"", "\"", "\"a", "\"a\"b", "\"\""}) {
    EXPECT_EQ(publish(R"({"records": [{"value": 1}]})", {{"Idempotency-Key", wrong}}).status, 400) << wrong;
  }
}

struct Hostile {
  const char* body;
  const char* detail;
};

TEST_F(RecordCallsTest, AWrongBodyIsToldWhatWasReadAndWhatIsRight) {
  for (auto [body, detail] : std::initializer_list<Hostile>{
           {"", "read nothing, the body is empty"},
           {"{\"records\": [}", "column 14: read '}', expected a JSON value"},
           {"[]", "read an array; right is an object with records"},
           {"{}", "records: is missing"},
           {R"({"records": {}})", "records: read an object; right is an array"},
           {R"({"record": []})", "record: is not known; known are records"},
           {R"({"records": [1]})", "records[0]: read 1; right is an object with key, value, headers"},
           {R"({"records": [{"value": 1, "hedaers": {}}]})",
            "records[0].hedaers: is not known; known are key, value, headers"},
           {R"({"records": [{"value": 1, "key": 5}]})", "records[0].key: read 5; right is a string"},
           {R"({"records": [{"value": 1, "value": 2}]})", "records[0].value: is there twice"},
           {R"({"records": [{}]})", "records[0]: has no value"},
           {R"({"records": [{"value": 1, "tombstone": true}]})", "has more than one of value"},
           {R"({"records": [{"value": 1, "key": "a", "key_base64": "YQ=="}]})", "both key and key_base64"},
           {R"({"records": [{"value_base64": "a"}]})", "base64 with padding"},
           {R"({"records": [{"value": 1, "partition": -1}]})",
            "right is a whole number from 0 to 2147483647"},
           {R"({"records": [{"value": 1, "partition": "0"}]})", "read \"0\"; right is a whole number"},
           {R"({"records": [{"value": 1, "timestamp": "yesterday"}]})", "RFC 3339"},
           {R"({"records": [{"value": 1, "headers": {"a": 1}}]})",
            "records[0].headers.a: read 1; right is a string"},
           {R"({"records": [{"value": 1, "headers": []}]})",
            "records[0].headers: read an array; right is an object"},
           {R"({"records": [{"value": 1, "header_list": [{"name": "a"}]}]})",
            "needs one of value and value_base64"},
           {R"({"records": [{"value": 1, "header_list": [{"value": "a"}]}]})", "has no name"},
           {R"({"records": [{"value": 1, "key": "\ud800"}]})", "records[0].key"},
           {"{\"records\": [{\"value\": \"\xff\"}]}", "not UTF-8"},
           {R"({"records": [{"value": 1}]} x)", "expected the end"},
       }) {
    auto response = publish(body, {{"Content-Type", "application/json"}});
    EXPECT_EQ(response.status, 400) << body;
    EXPECT_EQ(response.fields.get("content-type"), "application/problem+json");
    EXPECT_THAT(std::string(json(response)["detail"]), HasSubstr(detail)) << body;
  }
  EXPECT_TRUE(broker_.topics_by_name.empty());
}

TEST_F(RecordCallsTest, EveryWrongFieldIsListed) {
  auto response = publish(R"({"records": [{"value": 1, "x": 1}, {"value": 1, "key": 2}, {}]})");
  Json errors = json(response)["errors"];
  ASSERT_EQ(errors.size(), 3U);
  EXPECT_EQ(errors[0]["field"], "records[0].x");
  EXPECT_EQ(errors[1]["field"], "records[1].key");
  EXPECT_EQ(errors[2]["field"], "records[2]");
}

TEST_F(RecordCallsTest, LimitsAreTold) {
  std::string many = "{\"records\":[{\"value\":1}";
  for (int i = 0; i < 10'000; ++i) many += ",{\"value\":1}";
  EXPECT_THAT(publish(many + "]}").body, HasSubstr("more than 10000 elements"));
  std::string headers = R"({"records":[{"value":1,"headers":{"a":")" + std::string(40'000, 'x') + "\"}}]}";
  EXPECT_THAT(publish(headers).body, HasSubstr("bytes of headers"));
  std::string deep = "{\"records\":[{\"value\":" + std::string(200, '[') + std::string(200, ']') + "}]}";
  EXPECT_THAT(publish(deep).body, HasSubstr("128 levels"));
}

TEST_F(RecordCallsTest, ReadsPagesThatGoOn) {
  for (int i = 0; i < 10; ++i)
    publish(R"({"records": [{"key": "k)" + std::to_string(i % 2) + R"(", "value": )" + std::to_string(i) +
            "}]}");
  auto page = json(ask("GET", "/v1/topics/t/records?partition=0&offset=2&limit=3"));
  EXPECT_EQ(page["records"].size(), 3U);
  EXPECT_EQ(page["records"][0]["offset"], 2);
  EXPECT_EQ(page["next"], "0:5");
  page = json(ask("GET", "/v1/topics/t/records?after=0:5"));
  EXPECT_EQ(page["records"].size(), 5U);
  EXPECT_EQ(page["next"], "0:10");
  EXPECT_TRUE(json(ask("GET", "/v1/topics/t/records?after=0:10"))["records"].empty());
  EXPECT_EQ(json(ask("GET", "/v1/topics/t/records?key=k1&limit=2"))["next"], "0:4");
}

TEST_F(RecordCallsTest, FiltersByHeaderAndTime) {
  publish(R"({"records": [{"value": 1, "timestamp": "2026-01-01T00:00:00Z", "headers": {"c": "KR"}},
                          {"value": 2, "timestamp": "2026-01-02T00:00:00Z", "headers": {"c": "DE"}}]})");
  EXPECT_EQ(json(ask("GET", "/v1/topics/t/records?header.c=DE"))["records"].at(0)["value"], 2);
  EXPECT_EQ(json(ask("GET", "/v1/topics/t/records?from=2026-01-01T12:00:00Z"))["records"].at(0)["value"], 2);
}

TEST_F(RecordCallsTest, ReadsAllPartitions) {
  ask("PUT", "/v1/topics/t", R"({"partitions": 2})");
  publish(R"({"records": [{"value": 1, "partition": 0}, {"value": 2, "partition": 1}]})");
  auto page = json(ask("GET", "/v1/topics/t/records"));
  EXPECT_EQ(page["records"].size(), 2U);
  EXPECT_EQ(page["next"], "0:1,1:1");
  EXPECT_EQ(ask("GET", "/v1/topics/t/records?offset=0").status, 400);
  EXPECT_EQ(ask("GET", "/v1/topics/t/records?partition=2").status, 404);
}

TEST_F(RecordCallsTest, WrongParametersAreNamed) {
  publish(R"({"records": [{"value": 1}]})");
  for (const char* query :
       {"limit=0", "limit=10001", "limit=x", "offset=-1", "offset=2", "from=noon", "after=x", "after=0:1,",
        "partition=x", "what=1", "limit=1&limit=2", "offset=0&from=latest", "key=%zz"}) {
    EXPECT_EQ(ask("GET", std::string("/v1/topics/t/records?") + query).status, 400) << query;
  }
  EXPECT_THAT(ask("GET", "/v1/topics/t/records?what=1").body,
              HasSubstr("known are partition, offset, from, after"));
}

TEST_F(RecordCallsTest, RemovedRecordsAreSkippedOver) {
  for (int i = 0; i < 5; ++i) publish(R"({"records": [{"value": 1}]})");
  broker_.topics_by_name["t"].first = 3;
  EXPECT_EQ(json(ask("GET", "/v1/topics/t/records?offset=0"))["records"].at(0)["offset"], 3);
}

TEST_F(RecordCallsTest, StreamsFromAPositionOverAllPartitions) {
  ask("PUT", "/v1/topics/t", R"({"partitions": 2})");
  publish(
      "{\"records\": [{\"value\": 1, \"partition\": 0}, {\"value\": [2,\n3], \"partition\": 1}, {\"value\": "
      "4, \"partition\": 0}]}");
  auto response = ask("GET", "/v1/topics/t/stream?from=earliest");
  EXPECT_EQ(response.status, 200);
  EXPECT_EQ(response.fields.get("content-type"), "text/event-stream");
  std::string all = stream_of(response);
  EXPECT_THAT(all, HasSubstr("id: 0:1,1:0\nevent: record\ndata: {\"partition\":0,\"offset\":0"));
  EXPECT_THAT(all, HasSubstr("id: 0:2,1:0\nevent: record\n"));
  EXPECT_THAT(all, HasSubstr("id: 0:2,1:1\nevent: record\ndata: {\"partition\":1,\"offset\":0"));
  EXPECT_THAT(all, HasSubstr("\"value\":[2,\ndata: 3],"));
}

TEST_F(RecordCallsTest, LastEventIdResumesWithoutGapOrDouble) {
  for (int i = 0; i < 4; ++i) publish(R"({"records": [{"value": )" + std::to_string(i) + "}]}");
  auto response = ask("GET", "/v1/topics/t/stream?from=earliest", "", {{"Last-Event-ID", "0:2"}});
  std::string rest = stream_of(response);
  EXPECT_THAT(rest, Not(HasSubstr("\"offset\":1")));
  EXPECT_THAT(rest, HasSubstr("\"offset\":2"));
  EXPECT_THAT(rest, HasSubstr("\"offset\":3"));
  EXPECT_EQ(ask("GET", "/v1/topics/t/stream", "", {{"Last-Event-ID", "nonsense"}}).status, 400);
}

TEST_F(RecordCallsTest, APositionThatRetentionRemovedIsReset) {
  for (int i = 0; i < 4; ++i) publish(R"({"records": [{"value": 1}]})");
  broker_.topics_by_name["t"].first = 3;
  auto response = ask("GET", "/v1/topics/t/stream", "", {{"Last-Event-ID", "0:1"}});
  std::string text = stream_of(response);
  EXPECT_THAT(text, HasSubstr("id: 0:3\nevent: reset\ndata: "
                              "{\"partitions\":[{\"partition\":0,\"asked\":1,\"first_offset\":3}]}\n\n"));
  EXPECT_LT(text.find("event: reset"), text.find("event: record"));
}

TEST_F(RecordCallsTest, FollowingBeginsAtTheEnd) {
  publish(R"({"records": [{"value": 1}]})");
  auto response = ask("GET", "/v1/topics/t/stream");
  EXPECT_THAT(stream_of(response), Not(HasSubstr("event: record")));
  EXPECT_EQ(ask("GET", "/v1/topics/unknown/stream").status, 404);
}

}  // namespace
}  // namespace pabal::doors
