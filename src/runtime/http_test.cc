#include "runtime/http.h"

#include <gmock/gmock.h>

#include "runtime/http_client.h"
#include "runtime/http_head.h"
#include "runtime/http_problem.h"

namespace pabal::runtime {
namespace {

TEST(HttpFields, compare_names_without_case_and_keep_order) {
  HttpFields fields;
  fields.add("Set-A", "1");
  fields.add("set-a", "2");
  fields.add("B", "3");
  EXPECT_EQ(fields.get("SET-A"), "1");
  EXPECT_EQ(fields.get("missing", "x"), "x");
  fields.set("sEt-A", "4");
  EXPECT_EQ(fields.size(), 2U);
  EXPECT_EQ(fields.get("set-a"), "4");
}

TEST(HttpRequest, splits_its_target) {
  HttpRequest request{.target = "/a%2Fb?x=1&y=2"};
  EXPECT_EQ(request.path(), "/a%2Fb");
  EXPECT_EQ(request.query(), "x=1&y=2");
  EXPECT_EQ(HttpRequest{.target = "/a"}.query(), "");
}

TEST(Percent, decodes_and_encodes) {
  EXPECT_EQ(percent_decode("a%2Fb+c"), "a/b+c");
  EXPECT_EQ(percent_decode("%"), std::nullopt);
  EXPECT_EQ(percent_decode("%2"), std::nullopt);
  EXPECT_EQ(percent_decode("%zz"), std::nullopt);
  EXPECT_EQ(percent_encode("a/b c\xC3\xA9"), "a%2Fb%20c%C3%A9");
}

TEST(QueryValue, finds_the_first_and_decodes_it) {
  EXPECT_EQ(query_value("a=1&b=x%20y&b=2", "b"), "x y");
  EXPECT_EQ(query_value("flag&b=2", "flag"), "");
  EXPECT_EQ(query_value("a=1", "b"), std::nullopt);
  EXPECT_EQ(query_value("", "b"), std::nullopt);
}

TEST(HangUp, calls_once_and_at_once_when_late) {
  HangUp hang_up;
  int called = 0;
  hang_up.then([&] { ++called; });
  hang_up.set();
  hang_up.set();
  EXPECT_EQ(called, 1);
  hang_up.then([&] { ++called; });
  EXPECT_EQ(called, 2);
}

TEST(Url, parses_what_it_should) {
  Url url = Url::parse("http://127.0.0.1:8080/v1?x=1#f").value();
  EXPECT_EQ(url.authority(), "127.0.0.1:8080");
  EXPECT_EQ(url.target, "/v1?x=1");
  EXPECT_EQ(Url::parse("https://example.org").value().port, "443");
  EXPECT_EQ(Url::parse("http://example.org").value().target, "/");
  EXPECT_EQ(Url::parse("http://[::1]:9/").value().host, "::1");
  EXPECT_EQ(Url::parse("http://[::1]/").value().authority(), "[::1]:80");
}

TEST(Url, refuses_the_rest_and_says_why) {
  for (const char* text : {"", "ftp://x", "http://", "http://:80", "http://x:0", "http://x:99999",
                           "http://x:8a", "http://a b/", "http://me@x/"}) {
    auto url = Url::parse(text);
    ASSERT_FALSE(url) << text;
    EXPECT_EQ(url.error().code, ErrorCode::invalid);
  }
}

TEST(HttpHead, lets_nobody_add_fields_by_way_of_a_value) {
  HttpResponse response;
  response.fields.add("X", "a\r\nEvil: yes");
  response.fields.add("Content-Length", "999");
  std::string head = response_head(response, BodyFraming::length, true);
  EXPECT_THAT(head, testing::HasSubstr("X: a  Evil: yes\r\n"));
  EXPECT_THAT(head, testing::Not(testing::HasSubstr("999")));
  HttpRequest request{.method = "POST", .target = "/a\r\nHost: b", .body = "1"};
  EXPECT_THAT(request_head(request, "h:1"),
              testing::StartsWith("POST /a  Host: b HTTP/1.1\r\nHost: h:1\r\n"));
}

TEST(HttpProblem, says_what_the_error_says) {
  Error wrong{ErrorCode::unavailable, "the \"disk\" is full", {{"a", "b"}}};
  HttpResponse response = problem_response(wrong);
  EXPECT_EQ(response.status, 503);
  EXPECT_EQ(response.fields.get("Retry-After"), "1");
  EXPECT_THAT(response.body, testing::HasSubstr(R"("errors":[{"field":"a","problem":"b"}])"));
}

}  // namespace
}  // namespace pabal::runtime
