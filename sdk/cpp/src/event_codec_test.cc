#include "event_codec.h"

#include <gtest/gtest.h>

namespace pabal::sdk {
namespace {

TEST(event_from_message, takes_what_is_there_and_is_not_upset_by_the_rest) {
  Json message = {{"id", "m"}, {"key", "k"}, {"delivery", 3}, {"body", 1}, {"headers", {{"ce_type", "T"}}}};
  auto event = event_from_message(message, "q");
  ASSERT_TRUE(event);
  EXPECT_EQ(event->id, "m");
  EXPECT_EQ(event->key, "k");
  EXPECT_EQ(event->type, "T");
  EXPECT_EQ(event->delivery, 3);
  for (const char* wrong : {"id", "key", "delivery", "headers"}) {
    Json other = message;
    other[wrong] = {{"not", "this"}};
    EXPECT_TRUE(event_from_message(other, "q")) << wrong;
  }
  EXPECT_EQ(event_from_message({{"body", 1}}, "q")->delivery, 1);
}

}  // namespace
}  // namespace pabal::sdk
