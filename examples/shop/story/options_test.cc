#include "shop/story/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shop {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

std::expected<StoryOptions, Usage> parse(std::vector<const char*> arguments) {
  arguments.insert(arguments.begin(), "story");
  return parse_options(static_cast<int>(arguments.size()), arguments.data());
}

TEST(Options, WithoutAnyEveryActIsPlayed) {
  auto options = parse({});
  ASSERT_TRUE(options);
  EXPECT_EQ(options->acts, all_acts());
  EXPECT_EQ(options->service_times, (std::array{50, 100, 30}));
  EXPECT_EQ(options->network, 10);
  EXPECT_EQ(options->concurrency, 16);
}

TEST(Options, AllAreTaken) {
  auto options = parse({"--acts",          "hybrid,async",
                        "--limit",         "5",
                        "--rate",          "2.5",
                        "--concurrency",   "4",
                        "--seed",          "9",
                        "--service-times", "0,1,2",
                        "--network",       "0",
                        "--same-key",      "--once",
                        "--json",          "r.json",
                        "--data",          "d",
                        "--balance",       "12.345"});
  ASSERT_TRUE(options) << options.error().text;
  EXPECT_THAT(options->acts, ElementsAre("hybrid", "async"));
  EXPECT_EQ(options->limit, 5U);
  EXPECT_EQ(options->rate, 2.5);
  EXPECT_EQ(options->service_times, (std::array{0, 1, 2}));
  EXPECT_TRUE(options->same_key && options->once);
  EXPECT_EQ(options->balance->to_string(), "12.345");
}

TEST(Options, WrongOnesAreRefusedWithTheReason) {
  struct Case {
    std::vector<const char*> arguments;
    const char* said;
  };
  for (const Case& wrong : std::vector<Case>{{{"--unheard-of"}, "--unheard-of"},
                                             {{"word"}, "word"},
                                             {{"--acts", "hybrid,nope"}, "nope"},
                                             {{"--acts", "hybrid,hybrid"}, "twice"},
                                             {{"--service-times", "1,2"}, "50,100,30"},
                                             {{"--service-times", "1,2,x"}, "50,100,30"},
                                             {{"--network", "-1"}, "--network"},
                                             {{"--orders", "/no/such/file"}, "/no/such/file"},
                                             {{"--concurrency", "0"}, "--concurrency"},
                                             {{"--balance", "-5"}, "--balance"},
                                             {{"--limit", "many"}, "--limit"}}) {
    auto options = parse(wrong.arguments);
    ASSERT_FALSE(options) << wrong.said;
    EXPECT_EQ(options.error().status, 2);
    EXPECT_THAT(options.error().text, HasSubstr(wrong.said));
  }
}

TEST(Options, HelpIsNoError) {
  auto options = parse({"--help"});
  ASSERT_FALSE(options);
  EXPECT_EQ(options.error().status, 0);
  EXPECT_THAT(options.error().text, HasSubstr("--service-times"));
}

}  // namespace
}  // namespace shop
