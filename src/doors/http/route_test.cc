#include "doors/http/route.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pabal::doors {
namespace {

RouteTable table() {
  RouteTable t;
  auto none = [](Call) -> runtime::Task<Result<runtime::HttpResponse>> { co_return runtime::HttpResponse{}; };
  t.add({"GET", "/v1/topics", {}, none});
  t.add({"GET", "/v1/topics/{topic}", {}, none});
  t.add({"PUT", "/v1/topics/{topic}", {}, none});
  t.add({"GET", "/v1/queues/{queue}/redrives/{redrive}", {}, none});
  return t;
}

TEST(RouteTable, CapturesNamesPercentDecoded) {
  auto t = table();
  auto match = t.find("GET", "/v1/queues/a%2Fb%20%ED%95%9C/redrives/r1");
  ASSERT_TRUE(match);
  Call call{.request = {}, .names = match->names};
  EXPECT_EQ(call.name("queue"), "a/b \xed\x95\x9c");
  EXPECT_EQ(call.name("redrive"), "r1");
}

TEST(RouteTable, PicksTheRouteOfTheMethod) {
  auto t = table();
  EXPECT_EQ(t.find("PUT", "/v1/topics/x")->route->method, "PUT");
  EXPECT_EQ(t.find("HEAD", "/v1/topics/x")->route->method, "GET");
}

TEST(RouteTable, AWrongMethodIsToldTheRightOnes) {
  auto t = table();
  auto match = t.find("POST", "/v1/topics/x");
  EXPECT_EQ(match.error().code, ErrorCode::wrong_method);
  EXPECT_EQ(t.allowed("/v1/topics/x"), "GET, PUT");
}

TEST(RouteTable, UnknownPathsAreNotFound) {
  auto t = table();
  for (std::string_view path : {"/", "", "/v1", "/v1/topics/", "/v1/topics//x", "/v1/topics/x/", "/v2/topics",
                                "*", "/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r/s/t/u"}) {
    EXPECT_EQ(t.find("GET", path).error().code, ErrorCode::not_found) << path;
  }
}

TEST(RouteTable, AMalformedEscapeIsInvalid) {
  auto t = table();
  EXPECT_EQ(t.find("GET", "/v1/topics/%zz").error().code, ErrorCode::invalid);
}

}  // namespace
}  // namespace pabal::doors
