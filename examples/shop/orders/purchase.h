#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "shop/money/money.h"

namespace shop {

// One article of a purchase, or one that comes back.
struct PurchaseLine {
  std::string sku = {};
  std::string description = {};
  int64_t quantity = 0;  // how many pieces; never negative
  Money price = {};      // of one piece; zero is a gift

  [[nodiscard]] Money amount() const { return price * quantity; }
};

// One invoice of the orders file: what a customer wants, or what he gives back.
struct Purchase {
  std::string invoice = {};
  bool cancellation = false;
  std::string customer = {};  // empty: a guest
  std::string country = {};
  std::vector<PurchaseLine> lines = {};

  [[nodiscard]] Money amount() const {
    Money sum;
    for (const PurchaseLine& line : lines) sum += line.amount();
    return sum;
  }
};

}  // namespace shop
