#include "flows/otlp.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "engine/step_shards.h"
#include "flows/observatory.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;
using nlohmann::json;

json attribute(std::string_view key, std::string_view value) {
  return {{"key", key}, {"value", {{"stringValue", value}}}};
}

json span_json() {
  return {{"traceId", "5b8efff798038103d269b633813fc60c"},
          {"spanId", "eee19b7ec3c1b174"},
          {"name", "POST /payments"},
          {"kind", 3},
          {"startTimeUnixNano", "1767225600000000000"},
          {"endTimeUnixNano", "1767225600012500000"},
          {"attributes",
           {attribute("peer.service", "payment"),
            attribute("correlationid", "flow-1"),
            attribute("pabal.order", "O-4711"),
            {{"key", "pabal.tries"}, {"value", {{"intValue", "2"}}}},
            {{"key", "http.response.status_code"}, {"value", {{"intValue", "201"}}}}}},
          {"status", json::object()}};
}

json report(const std::vector<json>& spans) {
  return {{"resourceSpans",
           {{{"resource", {{"attributes", {attribute("service.name", "order")}}}},
             {"scopeSpans", {{{"spans", spans}}}}}}}};
}

TEST(Otlp, ReadsACallFromAClientSpan) {
  auto spans = read_otlp_json(report({span_json()}).dump()).value();
  ASSERT_EQ(spans.calls.size(), 1u);
  const auto& call = spans.calls[0];
  EXPECT_EQ(call.service, "order");
  EXPECT_EQ(call.peer, "payment");
  EXPECT_EQ(call.name, "POST /payments");
  EXPECT_EQ(call.correlation_id, "flow-1");
  EXPECT_EQ(call.duration, 12'500us);
  EXPECT_EQ(call.search, std::vector<std::string>{"O-4711"});
  EXPECT_EQ(call.attempt, 2);
  EXPECT_EQ(call.outcome, "ok");
  EXPECT_EQ(call.at, WallTime(1'767'225'600s));
  EXPECT_FALSE(call.failed);
}

TEST(Otlp, TellsHowACallFailed) {
  auto failed = span_json();
  failed["status"] = {{"code", 2}, {"message", "connection refused"}};
  auto late = span_json();
  late["status"] = {{"code", "STATUS_CODE_ERROR"}};
  late["kind"] = "SPAN_KIND_CLIENT";
  late["attributes"].push_back(attribute("error.type", "timeout"));
  auto status = span_json();
  status["attributes"].back()["value"]["intValue"] = 503;
  auto calls = read_otlp_json(report({failed, late, status}).dump()).value().calls;
  ASSERT_EQ(calls.size(), 3u);
  EXPECT_EQ(calls[0].outcome, "failed");
  EXPECT_EQ(calls[0].reason, "connection refused");
  EXPECT_EQ(calls[1].outcome, "timed out");
  EXPECT_EQ(calls[2].outcome, "failed");
  EXPECT_EQ(calls[2].reason, "answered 503");
}

TEST(Otlp, OtherSpansAreFineAndBrokenOnesAreCounted) {
  auto server = span_json();
  server["kind"] = 2;
  auto nameless = span_json();
  nameless["attributes"] = json::array();
  auto backwards = span_json();
  backwards["endTimeUnixNano"] = "1";
  auto spans = read_otlp_json(report({server, nameless, backwards, json(7)}).dump()).value();
  EXPECT_TRUE(spans.calls.empty());
  EXPECT_EQ(spans.others, 2);
  EXPECT_EQ(spans.rejected, 2);
  EXPECT_FALSE(spans.problem.empty());
}

TEST(Otlp, SurvivesAnyShape) {
  for (auto body :
       {R"({})", R"({"resourceSpans": []})", R"({"resourceSpans": [1, null, "x"]})",
        R"({"resourceSpans": [{"resource": 1, "scopeSpans": {"a": 1}}]})",
        R"({"resourceSpans": [{"scopeSpans": [{"spans": "no"}]}]})",
        R"({"resourceSpans": [{"scopeSpans": [{"spans": [{"attributes": [1, {"key": 2}]}]}]}]})"}) {
    auto spans = read_otlp_json(body);
    ASSERT_TRUE(spans) << body;
    EXPECT_TRUE(spans->calls.empty());
  }
  for (auto body : {"", "[]", "{", "\x0a\x10", R"({"resourceSpans": 1})"})
    EXPECT_FALSE(read_otlp_json(body)) << body;
}

std::string zipped(const std::string& text) {
  z_stream stream = {};
  deflateInit2(&stream, Z_DEFAULT_COMPRESSION, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(compressBound(text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  deflate(&stream, Z_FINISH);
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

struct Take : testing::Test {
  engine::StepShards shards;
  Observatory observatory{shards};
  Result<json> take(std::string_view type, std::string_view encoding, std::string_view body) {
    return take_reported_spans(observatory, type, encoding, body);
  }
};

TEST_F(Take, ACallBecomesAnEdgeAndAnEntryOfTheTrace) {
  EXPECT_EQ(take("application/json; charset=utf-8", "", report({span_json()}).dump()).value(),
            json::object());
  EXPECT_EQ(take("application/json", "gzip", zipped(report({span_json()}).dump())).value(), json::object());
  shards.run(observatory.gather());
  ASSERT_EQ(observatory.memory().graph.edges().size(), 1u);
  EXPECT_EQ(observatory.memory().graph.edges().begin()->first.to.id(), "service:payment");
  EXPECT_EQ(observatory.memory().trace.find({"O-4711"}, 10).entries.size(), 2u);
}

TEST_F(Take, SaysWhatItDoesNotRead) {
  auto protobuf = take("application/x-protobuf", "", "\x0a");
  EXPECT_EQ(protobuf.error().code, ErrorCode::wrong_media);
  EXPECT_NE(protobuf.error().message.find("http/json"), std::string::npos);
  EXPECT_EQ(take("application/json", "br", "x").error().code, ErrorCode::wrong_media);
  EXPECT_EQ(take("application/json", "gzip", "not gzip").error().code, ErrorCode::invalid);
  std::string whole = zipped(report({span_json()}).dump());
  EXPECT_EQ(take("application/json", "gzip", whole.substr(0, whole.size() / 2)).error().code,
            ErrorCode::invalid);
  EXPECT_EQ(take("application/json", "gzip", zipped(std::string(otlp_body_bytes_max + 1, ' '))).error().code,
            ErrorCode::too_large);
  auto partly = take("application/json", "", report({span_json(), json(1)}).dump()).value();
  EXPECT_EQ(partly["partialSuccess"]["rejectedSpans"], "1");
}

}  // namespace
}  // namespace pabal::flows
