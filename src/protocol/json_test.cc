#include "protocol/json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pabal::protocol {
namespace {

using testing::HasSubstr;

std::string problem_of(std::string_view text) {
  auto checked = check_json(text);
  return checked ? "" : checked.error().message;
}

TEST(Json, AcceptsWhatTheGrammarAllows) {
  for (std::string_view text : {"null", " true ", "-0", "0.5e-3", "1E+9", "\"\"", "\"\\u00e9\\n\\\"\\/\"",
                                "[]", "{}", "[1,[2,{\"a\":[]}]]", "{\"a\" : 1 , \"a\" : 2}", "\"\\ud800\"",
                                "\"\xed\x95\x9c\"", "12345678901234567890123"}) {
    EXPECT_EQ(problem_of(text), "") << text;
  }
}

TEST(Json, RefusesWhatItDoesNot) {
  for (std::string_view text : {"",
                                " ",
                                "nul",
                                "tru",
                                "+1",
                                "01",
                                "-",
                                "1.",
                                ".5",
                                "1e",
                                "0x10",
                                "NaN",
                                "'a'",
                                "\"a",
                                "\"\\x\"",
                                "\"\\u12g4\"",
                                "\"\t\"",
                                "[1,]",
                                "[1 2]",
                                "[",
                                "{",
                                "{\"a\"}",
                                "{\"a\":}",
                                "{\"a\":1,}",
                                "{a:1}",
                                "1 2",
                                "{}{}",
                                "]",
                                "\"\\",
                                "\"\\u12",
                                "[1",
                                "{\"a\":1",
                                "\xff",
                                "\"\xc0\x80\"",
                                "\"\xed\xa0\x80\""}) {
    EXPECT_NE(problem_of(text), "") << text;
  }
}

TEST(Json, NamesThePlaceWhatWasReadAndWhatIsRight) {
  EXPECT_THAT(problem_of("{\"a\": 1,\n \"b\" 2}"), HasSubstr("line 2, column 6: read '2', expected ':'"));
  EXPECT_THAT(problem_of("{\"a\": "), HasSubstr("column 7: read the end of the body, expected a JSON value"));
  EXPECT_THAT(problem_of(""), HasSubstr("read nothing, the body is empty"));
  EXPECT_THAT(problem_of("\"\x01\""), HasSubstr("0x01"));
}

TEST(Json, StopsAtTheDepthLimit) {
  std::string deep = std::string(json_depth_max, '[') + std::string(json_depth_max, ']');
  EXPECT_EQ(problem_of(deep), "");
  EXPECT_THAT(problem_of("[" + deep + "]"), HasSubstr("128 levels"));
  EXPECT_THAT(problem_of(std::string(5'000'000, '[')), HasSubstr("128 levels"));
  EXPECT_THAT(problem_of(std::string(1'000, '{')), HasSubstr("member name"));
}

TEST(Json, GivesTheExactBytesOfAValue) {
  auto json = JsonView::parse(" { \"a\" : { \"x\":  [1, 2 ,\"]}\\\"\"] } , \"b\":1.50 }\n");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->member("a")->raw(), "{ \"x\":  [1, 2 ,\"]}\\\"\"] }");
  EXPECT_EQ(json->member("b")->raw(), "1.50");
  EXPECT_EQ(json->member("b")->number(), 1.5);
  EXPECT_FALSE(json->member("b")->integer());
  EXPECT_FALSE(json->member("c"));
}

TEST(Json, WalksElements) {
  auto json = JsonView::parse("[1, \"two\",[3] ,null,{\"a\":5},-6]");
  std::vector<std::string> seen;
  json->elements([&](JsonView e) { return seen.emplace_back(e.raw()), true; });
  EXPECT_THAT(seen, testing::ElementsAre("1", "\"two\"", "[3]", "null", "{\"a\":5}", "-6"));
  int count = 0;
  JsonView::parse("[ ]")->elements([&](JsonView) { return ++count, true; });
  EXPECT_EQ(count, 0);
}

TEST(Json, DecodesStrings) {
  auto text = [](std::string_view json) { return JsonView::parse(json)->text(); };
  EXPECT_EQ(text(R"("a\n\t\"\\\/\u00e9\ud83d\ude00\u0041")"), "a\n\t\"\\/\u00e9\U0001F600A");
  EXPECT_EQ(text(R"("\u0000")"), std::string("\0", 1));
  EXPECT_FALSE(text(R"("\ud800")"));
  EXPECT_FALSE(text(R"("\ud800\u0041")"));
  EXPECT_FALSE(text(R"("\udc00")"));
  EXPECT_FALSE(text("1"));
}

TEST(Json, ReadsIntegersThatFit) {
  EXPECT_EQ(JsonView::parse("9223372036854775807")->integer(), INT64_MAX);
  EXPECT_FALSE(JsonView::parse("9223372036854775808")->integer());
  EXPECT_FALSE(JsonView::parse("1.0")->integer());
  EXPECT_FALSE(JsonView::parse("\"1\"")->integer());
}

TEST(Json, WritesStrings) {
  EXPECT_EQ(json_string("a\"b\\c\n\x01\xed\x95\x9c"), "\"a\\\"b\\\\c\\n\\u0001\xed\x95\x9c\"");
  EXPECT_EQ(json_string("\xff!"), "\"\xef\xbf\xbd!\"");
}

}  // namespace
}  // namespace pabal::protocol
