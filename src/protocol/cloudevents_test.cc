#include "protocol/cloudevents.h"

#include <fmt/format.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pabal::protocol {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Pair;

runtime::HttpFields fields(std::initializer_list<std::pair<std::string, std::string>> list) {
  runtime::HttpFields out;
  for (auto [name, value] : list) out.add(name, value);
  return out;
}

runtime::HttpFields binary_fields() {
  return fields({{"Content-Type", "application/json"},
                 {"ce-specversion", "1.0"},
                 {"Ce-Id", "e1"},
                 {"CE-Type", "OrderPaid"},
                 {"ce-source", "/shop/order"}});
}

TEST(CloudEvents, ContentTypeDecidesTheMode) {
  auto mode = [](std::string type) { return cloud_event_mode(fields({{"content-type", std::move(type)}})); };
  EXPECT_EQ(mode("application/cloudevents-batch+json"), CloudEventMode::batch);
  EXPECT_EQ(mode("Application/CloudEvents+JSON; charset=utf-8"), CloudEventMode::structured);
  EXPECT_EQ(mode("application/json"), CloudEventMode::none);
  EXPECT_EQ(cloud_event_mode(binary_fields()), CloudEventMode::binary);
}

TEST(CloudEvents, BinaryModeMapsToKafkaBinary) {
  auto events = read_cloud_events(CloudEventMode::binary, binary_fields(), "{\"a\":1}");
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(events->at(0).data, "{\"a\":1}");
  EXPECT_THAT(kafka_headers_of(events->at(0)),
              ElementsAre(Pair("ce_specversion", "1.0"), Pair("ce_id", "e1"), Pair("ce_type", "OrderPaid"),
                          Pair("ce_source", "/shop/order"), Pair("content-type", "application/json")));
}

TEST(CloudEvents, BinaryHeadersAreUnquotedThenPercentDecodedOnce) {
  auto with = binary_fields();
  with.add("ce-subject", "Euro%20%E2%82%AC%2520");
  with.add("ce-note", "\"a \\\"b\\\" %41\"");
  auto events = read_cloud_events(CloudEventMode::binary, with, "");
  ASSERT_TRUE(events);
  EXPECT_EQ(*events->at(0).find("subject"), "Euro \u20ac%20");
  EXPECT_EQ(*events->at(0).find("note"), "a \"b\" A");
}

TEST(CloudEvents, BinaryRefusesWhatIsNotUtf8OrMissing) {
  auto with = binary_fields();
  with.add("ce-subject", "%FF");
  EXPECT_THAT(read_cloud_events(CloudEventMode::binary, with, "").error().message, HasSubstr("ce-subject"));
  auto some = fields({{"ce-id", "1"}, {"ce-specversion", "0.3"}});
  auto problem = read_cloud_events(CloudEventMode::binary, some, "").error();
  EXPECT_EQ(problem.code, ErrorCode::invalid);
  EXPECT_EQ(problem.fields.size(), 3U);
}

TEST(CloudEvents, StructuredKeepsTheDatasExactBytes) {
  auto type = fields({{"content-type", "application/cloudevents+json"}});
  auto events =
      read_cloud_events(CloudEventMode::structured, type,
                        R"({"specversion":"1.0","id":"7","source":"s","type":"t","count":3,"flag":true,
                                      "gone":null,"data":{ "x" : 1.50 }})");
  ASSERT_TRUE(events) << events.error().message;
  EXPECT_EQ(events->at(0).data, "{ \"x\" : 1.50 }");
  EXPECT_THAT(kafka_headers_of(events->at(0)), Contains(Pair("content-type", "application/json")));
  EXPECT_EQ(*events->at(0).find("count"), "3");
  EXPECT_EQ(*events->at(0).find("flag"), "true");
  EXPECT_EQ(events->at(0).find("gone"), nullptr);
}

TEST(CloudEvents, StructuredTextAndBinaryData) {
  auto type = fields({{"content-type", "application/cloudevents+json"}});
  std::string head = R"({"specversion":"1.0","id":"7","source":"s","type":"t",)";
  auto text = read_cloud_events(CloudEventMode::structured, type,
                                head + R"("datacontenttype":"text/plain","data":"a\nb"})");
  EXPECT_EQ(text->at(0).data, "a\nb");
  auto json = read_cloud_events(CloudEventMode::structured, type, head + R"("data":"a\nb"})");
  EXPECT_EQ(json->at(0).data, "\"a\\nb\"");
  auto bytes = read_cloud_events(CloudEventMode::structured, type, head + R"("data_base64":"AAE="})");
  EXPECT_EQ(bytes->at(0).data, std::string("\0\1", 2));
  auto both = read_cloud_events(CloudEventMode::structured, type, head + R"("data":1,"data_base64":"AAE="})");
  EXPECT_FALSE(both);
  auto none = read_cloud_events(CloudEventMode::structured, type,
                                R"({"specversion":"1.0","id":"7","source":"s","type":"t"})");
  EXPECT_FALSE(none->at(0).data);
}

TEST(CloudEvents, BatchNamesTheWrongElement) {
  auto type = fields({{"content-type", "application/cloudevents-batch+json"}});
  auto good = read_cloud_events(CloudEventMode::batch, type,
                                R"([{"specversion":"1.0","id":"1","source":"s","type":"t"},
                                    {"specversion":"1.0","id":"2","source":"s","type":"t","data":[]}])");
  ASSERT_TRUE(good);
  EXPECT_EQ(good->size(), 2U);
  auto bad =
      read_cloud_events(CloudEventMode::batch, type,
                        R"([{"specversion":"1.0","id":"1","source":"s","type":"t"}, {"id":"2","Bad":1}, 3])");
  ASSERT_FALSE(bad);
  EXPECT_EQ(bad.error().fields.front().field, "[1].Bad");
  EXPECT_EQ(bad.error().fields.back().field, "[2]");
  EXPECT_FALSE(read_cloud_events(CloudEventMode::batch, type, "{}"));
  EXPECT_TRUE(read_cloud_events(CloudEventMode::batch, type, "[]")->empty());
}

TEST(CloudEvents, LimitsHoldAgainstAHostileEvent) {
  auto type = fields({{"content-type", "application/cloudevents+json"}});
  std::string many = "{";
  for (int i = 0; i < 200'000; ++i) many += fmt::format("{}\"a{}\":1", i == 0 ? "" : ",", i);
  auto problem = read_cloud_events(CloudEventMode::structured, type, many + "}").error();
  EXPECT_THAT(problem.fields.front().problem, HasSubstr("more than 100"));
  std::string wrong = "{";
  for (int i = 0; i < 200'000; ++i) wrong += fmt::format("{}\"A{}\":1", i == 0 ? "" : ",", i);
  problem = read_cloud_events(CloudEventMode::structured, type, wrong + "}").error();
  EXPECT_EQ(problem.fields.size(), cloud_event_problems_max);
}

TEST(CloudEvents, OtherFormatsAreRefused) {
  auto type = fields({{"content-type", "application/cloudevents+avro"}});
  EXPECT_EQ(read_cloud_events(CloudEventMode::structured, type, "x").error().code, ErrorCode::wrong_media);
}

}  // namespace
}  // namespace pabal::protocol
