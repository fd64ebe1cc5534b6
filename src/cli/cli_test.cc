#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/flow_text.h"
#include "cli/record_text.h"
#include "cli/screen.h"
#include "cli/sse.h"
#include "cli/table.h"
#include "cli/trace_text.h"
#include "cli/verb.h"
#include "cli/wrong_use.h"

namespace pabal::cli {
namespace {

using testing::AllOf;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

// What a pipe would get.
struct Captured {
  std::string text;
  Screen screen;
  Captured() {
    screen.out = [this](std::string_view t) { text += t; };
    screen.err = screen.out;
  }
};

TEST(Screen, CountsColumnsOfHangulAndColours) {
  EXPECT_EQ(width_of("abc"), 3u);
  EXPECT_EQ(width_of("파발"), 4u);
  EXPECT_EQ(width_of("\x1b[31mred\x1b[0m"), 3u);
  EXPECT_EQ(fitted("파발마", 5), "파발…");
  EXPECT_EQ(fitted("ab", 4), "ab  ");
}

TEST(Screen, WhatAPeerWroteCannotDriveTheTerminal) {
  EXPECT_EQ(printable("a\x1b[2Jb\r\nc"), "a�[2Jb� c");
  EXPECT_EQ(printable("\xff ok 파발"), "� ok 파발");
  EXPECT_EQ(printable("\xe0\x82\x9b"
                      "2J"),
            "���2J")
      << "a control character, longer than needed";
  EXPECT_EQ(printable("\xc2\x9b"
                      "31m"),
            "�31m");
}

TEST(Table, AlignsItsColumns) {
  Captured captured;
  Table table({{"NAME"}, {"N", true}, {"NOTE"}});
  table.add({"파발", "1", "x"});
  table.add({"longer", "1,000", ""});
  table.print(captured.screen);
  EXPECT_EQ(captured.text,
            "NAME        N  NOTE\n"
            "파발        1  x\n"
            "longer  1,000\n");
}

TEST(Sse, ReadsEventsFromPiecesOfAnySize) {
  std::string stream =
      ": hello\r\nid: 0:1\nevent: record\ndata: {\"a\":\ndata: 1}\n\nretry: 1000\n\ndata: two\r\n\r\n";
  for (size_t size : {1u, 2u, 3u, 7u, 1000u}) {
    std::vector<std::string> seen;
    SseReader reader([&](const SseReader::Event& e) {
      seen.push_back(e.name + "|" + e.data + "|" + e.id);
      return true;
    });
    for (size_t at = 0; at < stream.size(); at += size) EXPECT_TRUE(reader.feed(stream.substr(at, size)));
    reader.feed(":");  // what follows decides whether a carriage return was a line end
    EXPECT_THAT(seen, ElementsAre("record|{\"a\":\n1}|0:1", "message|two|0:1")) << size;
  }
}

TEST(Sse, StopsWhenTold) {
  int seen = 0;
  SseReader reader([&](const SseReader::Event&) { return ++seen < 2; });
  EXPECT_FALSE(reader.feed("data: 1\n\ndata: 2\n\ndata: 3\n\n"));
  EXPECT_EQ(seen, 2);
}

TEST(RecordText, ShowsTextAsTextAndBytesAsACount) {
  EXPECT_EQ(body_text({{"value", {{"a", 1}}}}, "value"), R"({"a":1})");
  EXPECT_EQ(body_text({{"value_base64", "aGVsbG8="}}, "value"), "hello");
  EXPECT_EQ(body_text({{"value_base64", "//79"}}, "value"), "(3 bytes)");
  EXPECT_EQ(body_text(Json::object(), "value"), "(tombstone)");
}

const Json flow = Json::parse(R"({"window_s": 10, "nodes": [
  {"id": "topic:order.events", "kind": "topic", "name": "order.events", "state": "ok", "rate": 1248, "partitions": 4},
  {"id": "queue:shipping.start", "kind": "queue", "name": "shipping.start", "state": "ok", "ready": 0},
  {"id": "queue:notification.mail", "kind": "queue", "name": "notification.mail", "state": "stuck",
   "reason": "Its last one left.", "ready": 11904, "oldest_ready_age_s": 38.2, "dead": 1},
  {"id": "service:order", "kind": "service", "name": "order", "state": "ok"},
  {"id": "service:payment", "kind": "service", "name": "payment", "state": "ok"},
  {"id": "service:shipping", "kind": "service", "name": "shipping", "state": "ok"},
  {"id": "service:notification", "kind": "service", "name": "notification", "state": "gone", "since": null}],
 "edges": [
  {"from": "service:order", "to": "topic:order.events", "kind": "publishes", "rate": 312, "p50_ms": 0.3, "p99_ms": 0.9, "errors": 0},
  {"from": "topic:order.events", "to": "queue:shipping.start", "kind": "delivers", "rate": 312},
  {"from": "topic:order.events", "to": "queue:notification.mail", "kind": "delivers", "rate": 0},
  {"from": "queue:shipping.start", "to": "service:shipping", "kind": "delivers", "rate": 312, "p50_ms": 2, "p99_ms": 8},
  {"from": "queue:notification.mail", "to": "service:notification", "kind": "delivers", "rate": 0},
  {"from": "service:order", "to": "service:payment", "kind": "calls", "rate": 312, "p50_ms": 5, "p99_ms": 1200, "errors": 2}]})");

TEST(FlowText, DrawsTopicsQueuesConsumersAndCalls) {
  Captured captured;
  EXPECT_THAT(flow_text(flow, captured.screen),
              ElementsAre("order.events  1,248/s, 4 partitions",                //
                          "  ├◀─ order  312/s, durable in 0.3 ms, p99 0.9 ms",  //
                          "  ├─▶ shipping.start     0 waiting                     ──▶ shipping  312/s, after "
                          "2.0 ms, p99 8.0 ms",                                                             //
                          "  └─▶ notification.mail  11,904 waiting, 38 s, 1 dead  ✗ notification is gone",  //
                          "",                                                                               //
                          "calls",                                                                          //
                          "  order ┄┄▶ payment  312/s, in 5.0 ms, p99 1 s, 2 failed",                       //
                          "",                                                                               //
                          "notification.mail: Its last one left."));
  EXPECT_THAT(flow_text(Json::object(), captured.screen), ElementsAre("Nothing flows yet."));
}

TEST(FlowText, DrawsConsumerGroupsAndWhoReadsByItself) {
  Captured captured;
  Json with_group = Json::parse(R"({"nodes": [
    {"id": "topic:t", "kind": "topic", "name": "t", "state": "ok", "rate": 4, "partitions": 1},
    {"id": "group:g", "kind": "group", "name": "g", "state": "ok", "lag": 1204},
    {"id": "service:a", "kind": "service", "name": "a", "state": "ok"},
    {"id": "service:loner", "kind": "service", "name": "loner", "state": "ok"}],
   "edges": [
    {"from": "topic:t", "to": "group:g", "kind": "delivers", "rate": 4},
    {"from": "topic:t", "to": "service:loner", "kind": "delivers", "rate": 2},
    {"from": "group:g", "to": "service:a", "kind": "delivers", "rate": 4},
    {"from": "service:loner", "to": "service:a", "kind": "calls", "rate": 1}]})");
  auto lines = flow_text(with_group, captured.screen);
  ASSERT_GE(lines.size(), 3U);
  EXPECT_THAT(lines[1], AllOf(HasSubstr("├─▶ g"), HasSubstr("1,204 behind"), HasSubstr("──▶ a  4.0/s")));
  EXPECT_THAT(lines[2], AllOf(HasSubstr("└─▶ loner"), testing::Not(HasSubstr("nobody"))));
}

TEST(TraceText, DrawsOneLaneForEachServiceAndTheGaps) {
  Captured captured;
  Json trace =
      Json::parse(R"({"id": "O-1", "complete_since": "2026-01-01T00:00:00.000Z", "found": true, "entries": [
    {"at": "2026-01-02T03:04:05.000Z", "kind": "call", "service": "order", "peer": "payment", "type": "POST /payments", "outcome": "ok", "duration_ms": 12.5},
    {"at": "2026-01-02T03:04:05.020Z", "kind": "published", "service": "order", "topic": "order.events", "type": "OrderPaid", "key": "O-1", "duration_ms": 0.3},
    {"at": "2026-01-02T03:04:05.024Z", "kind": "delivered", "service": "notification", "queue": "notification.mail", "type": "OrderPaid", "key": "O-1", "delivery": 1},
    {"at": "2026-01-02T03:04:05.050Z", "kind": "failed", "service": "notification", "queue": "notification.mail", "outcome": "failed", "reason": "SMTP 451", "duration_ms": 26, "due": "2026-01-02T03:04:47.050Z"},
    {"at": "2026-01-02T03:04:47.050Z", "kind": "retry", "service": "notification", "queue": "notification.mail", "type": "OrderPaid", "key": "O-1", "delivery": 2},
    {"at": "2026-01-02T03:04:47.060Z", "kind": "dead", "queue": "notification.mail", "delivery": 2, "reason": "no address"}]})");
  EXPECT_THAT(
      trace_text(trace, captured.screen),
      ElementsAre("O-1: 6 steps in 42 s, from 2026-01-02T03:04:05.000Z",                                 //
                  "            ╭ order",                                                                 //
                  "            │ ╭ notification",                                                        //
                  "            │ │ ╭ pabal",                                                             //
                  "   +0.000 s ● │ │  called payment (POST /payments) in 12 ms: ok",                     //
                  "   +0.020 s ● │ │  published OrderPaid of O-1 to order.events, durable in 0.3 ms",    //
                  "   +0.024 s │ ● │  took OrderPaid of O-1 from notification.mail",                     //
                  "   +0.050 s │ ● │  failed after 26 ms: SMTP 451; again in 42 s (notification.mail)",  //
                  "            │ │ │  42 s in which nobody worked on it",                                //
                  "  +42.050 s │ ● │  took OrderPaid of O-1 from notification.mail, delivery 2",         //
                  "  +42.060 s │ │ ●  dead letter of notification.mail after 2 deliveries: no address",  //
                  "complete since 2026-01-01T00:00:00.000Z"));
}

TEST(TraceText, IsNotUpsetByWhatNoServerOfOursSays) {
  Captured captured;
  Json trace = Json::parse(R"({"id": 1, "complete_since": "\u001b[2J", "entries": [
    {"at": "0000-01-01T00:00:00Z\u001b"}, {"at": "0000-01-01T00:00:00Z", "kind": "dead", "delivery": 1e300},
    {"at": "9999-12-31T23:59:59Z", "kind": "failed", "due": "0000-01-01T00:00:00Z"}, 5]})");
  for (const std::string& line : trace_text(trace, captured.screen)) {
    EXPECT_EQ(line.find('\x1b'), std::string::npos) << line;
  }
  EXPECT_EQ(count_at({{"n", -1e300}}, "n"), -(int64_t{1} << 53));
  EXPECT_EQ(seconds_of(1e300), std::chrono::days(10'000));
}

TEST(TraceText, SaysWhenNothingIsKnown) {
  Captured captured;
  Json none = {{"id", "O-9"}, {"complete_since", "2026-01-01T00:00:00.000Z"}, {"entries", Json::array()}};
  EXPECT_THAT(trace_text(none, captured.screen)[0], HasSubstr("Nothing is known of O-9"));
}

// What a person is told who typed these words.
std::string told(const std::string& words) {
  CLI::App app("", "pabal");
  app.require_subcommand(1);
  Run run;
  add_serve(app, run);
  add_queue(app, run);
  add_tail(app, run);
  try {
    app.parse(words);
  } catch (const CLI::ParseError& problem) {
    return wrong_use(app, problem);
  }
  return "";
}

TEST(WrongUse, NamesWhatWasReadAndWhatWouldBeRight) {
  EXPECT_EQ(told("queue list"), "");
  EXPECT_THAT(told("queue lst"),
              AllOf(StartsWith("pabal queue: read 'lst', which is no verb; did you mean list?"),
                    HasSubstr("right is one of list, show, create")));
  EXPECT_THAT(told("quue list"), AllOf(StartsWith("pabal: read 'quue'"), HasSubstr("did you mean queue?")));
  EXPECT_THAT(told("--wrong"),
              AllOf(StartsWith("pabal: read '--wrong', which is no option"), HasSubstr("--help")));
  EXPECT_THAT(told("serve --htp 5"),
              AllOf(StartsWith("pabal serve: read '--htp'"), HasSubstr("did you mean --http?")));
  EXPECT_THAT(told("serve --htp=5"), HasSubstr("did you mean --http?"));
  EXPECT_THAT(told("serve --portt 5"),
              AllOf(StartsWith("pabal serve: read '--portt', which is no option here; right is one of"),
                    HasSubstr("--ports-file")));
  EXPECT_THAT(told("queue show"), AllOf(StartsWith("pabal queue show: QUEUE is required, and was not read"),
                                        HasSubstr("right is `pabal queue show QUEUE`"),
                                        HasSubstr("pabal queue show notification.mail")));
  EXPECT_THAT(told("queue show a b"), AllOf(HasSubstr("read 'b', which is one word too many"),
                                            HasSubstr("right is `pabal queue show QUEUE`")));
  EXPECT_THAT(told("queue"), HasSubstr("pabal queue: a verb is missing; right is one of list"));
  EXPECT_THAT(told(""), HasSubstr("pabal: a verb is missing; right is one of serve, queue, tail"));
  EXPECT_THAT(told("tail t --limit many"),
              AllOf(StartsWith("pabal tail: "), HasSubstr("many"), HasSubstr("--help")));
  EXPECT_EQ(told("queue show \"a\" \"\x1b[2J\"").find('\x1b'), std::string::npos);
}

}  // namespace
}  // namespace pabal::cli
