#include "flows/rate_window.h"

#include <gtest/gtest.h>

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;

Instant at(Duration d) { return Instant(1h + d); }

TEST(RateWindow, CountsTheLastTenSecondsAndForgetsThemWithoutBeingTouched) {
  RateWindow window;
  for (int i = 0; i < 200; ++i) window.add(at(i * 100ms), 1ms);  // ten a second for 20 s
  EXPECT_NEAR(window.per_second(at(19900ms)), 10, 0.2);
  EXPECT_EQ(window.count(at(29100ms)), 0);
  EXPECT_EQ(window.per_second(at(1h)), 0);
}

TEST(RateWindow, WhatHasJustBegunIsNotDividedByTenSeconds) {
  RateWindow window;
  for (int i = 0; i < 20; ++i) window.add(at(i * 100ms), 1ms);
  EXPECT_NEAR(window.per_second(at(2s)), 10, 0.5);
  EXPECT_EQ(RateWindow().per_second(at(2s)), 0);
}

TEST(RateWindow, QuantilesAreWithinAThirdAndStandWhenTrafficEnds) {
  RateWindow window;
  EXPECT_FALSE(window.quantile_ms(0.5));
  for (int i = 1; i <= 1000; ++i) window.add(at(0s), i * 100us);  // uniform up to 100 ms
  EXPECT_NEAR(*window.quantile_ms(0.5), 50, 8);
  EXPECT_NEAR(*window.quantile_ms(0.99), 99, 16);
  EXPECT_EQ(window.count(at(60s)), 0);
  EXPECT_NEAR(*window.quantile_ms(0.5), 50, 8);
  window.add(at(60s), 1ms);
  EXPECT_NEAR(*window.quantile_ms(0.5), 1, 0.35);
}

TEST(RateWindow, TakesAnyDuration) {
  RateWindow window;
  window.add(at(0s), -5ms);
  window.add(at(0s), Duration::max());
  window.add(at(0s), 0ms, true);
  window.add_failure(at(0s));
  EXPECT_EQ(window.count(at(1s)), 3);
  EXPECT_EQ(window.failures(at(1s)), 2);
  EXPECT_GT(*window.quantile_ms(0.99), 1000);
}

}  // namespace
}  // namespace pabal::flows
