#include "shop/orders/order_message.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shop {
namespace {

Json example() {
  return {{"order_id", "1001"},
          {"invoice", "1001"},
          {"customer", "17850"},
          {"email", "17850@customers.example"},
          {"country", "Korea"},
          {"flow", "hybrid"},
          {"lines", {{{"sku", "A"}, {"description", "\"HEART\""}, {"quantity", 2}, {"price", "3.395"}}}}};
}

TEST(OrderMessage, GoesThereAndBack) {
  auto order = order_from_json(example());
  ASSERT_TRUE(order) << order.error().message;
  EXPECT_EQ(order->amount().to_string(), "6.79");
  EXPECT_EQ(order->points(), 6);
  EXPECT_EQ(order->pieces(), 2);
  EXPECT_EQ(to_json(*order_from_json(to_json(*order))), to_json(*order));
}

TEST(OrderMessage, AGuestEarnsNoPoints) {
  Json json = example();
  json["customer"] = nullptr;
  EXPECT_EQ(order_from_json(json)->points(), 0);
}

TEST(OrderMessage, WhatIsWrongIsNamed) {
  struct Case {
    const char* path;
    Json value;
    const char* said;
  };
  for (const Case& wrong : std::vector<Case>{{"/lines/0/quantity", -1, "lines[0].quantity"},
                                             {"/lines/0/quantity", 1.5, "lines[0].quantity"},
                                             {"/lines/0/quantity", 2'000'000'000, "lines[0].quantity"},
                                             {"/lines/0/price", 3.395, "lines[0].price"},
                                             {"/lines/0/price", "-1", "lines[0].price"},
                                             {"/lines/0/sku", "", "lines[0].sku"},
                                             {"/lines/0", "A", "lines[0]"},
                                             {"/lines", 7, "lines"},
                                             {"/customer", 17850, "customer"},
                                             {"/email", std::string(1'001, 'x'), "email"},
                                             {"/order_id", "../etc", "order_id"}}) {
    Json json = example();
    json[Json::json_pointer(wrong.path)] = wrong.value;
    auto order = order_from_json(json);
    ASSERT_FALSE(order) << wrong.path;
    EXPECT_EQ(order.error().code, ErrorCode::invalid);
    EXPECT_THAT(order.error().message, testing::HasSubstr(wrong.said));
  }
  EXPECT_FALSE(order_from_json(Json::array()));
  EXPECT_FALSE(order_from_json(Json()));
}

}  // namespace
}  // namespace shop
