#include "shop/story/reckoning.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace shop {
namespace {

using Outcome = Attempt::Outcome;
using testing::ElementsAre;

Purchase purchase(const std::string& invoice, const std::string& customer, const std::string& price) {
  return {.invoice = invoice,
          .cancellation = invoice.starts_with('C'),
          .customer = customer,
          .lines = {{.sku = "A", .quantity = 1, .price = *Money::parse(price)}}};
}

// Three invoices: 12.95 of customer 7, a gift, and 3.99 given back by customer 7.
OrdersFile small_file() {
  return {.purchases = {purchase("1", "7", "12.95"), purchase("2", "", "0"), purchase("C3", "7", "3.99")},
          .lines_read = 3,
          .lines_used = 3};
}

Attempt attempt(const std::string& order, const std::string& invoice, Outcome outcome, int64_t sent,
                int64_t took) {
  return {order, invoice, outcome, sent * 1000, (sent + took) * 1000};
}

// Everybody was told yes, and everything was done once.
ActRecord good_record() {
  ActRecord record{.act = "hybrid"};
  record.attempts = {attempt("1", "1", Outcome::ok, 1000, 210), attempt("2", "2", Outcome::ok, 1100, 190),
                     attempt("C3", "C3", Outcome::ok, 1200, 100)};
  Ledgers& ledgers = record.ledgers;
  ledgers.orders = {{"1", {"PAID", true}}, {"2", {"PAID", true}}, {"C3", {"CANCELLED", false}}};
  ledgers.charged = {{"1", *Money::parse("12.95")}};
  ledgers.refunded = {{"C3", *Money::parse("3.99")}};
  ledgers.mailed = {"1", "2", "C3"};
  ledgers.shipped = {"1", "2"};
  ledgers.settled = {"1", "2"};
  ledgers.points = {{"1", 12}, {"C3", -3}};
  ledgers.last_effect_us = 2'100'000;
  return record;
}

TEST(Reckoning, AGoodActIsWhole) {
  ActReport report = reckon(small_file(), good_record());
  EXPECT_TRUE(report.whole());
  EXPECT_EQ(report.payments.due, 1) << "nothing is due for a gift";
  EXPECT_EQ(report.paid.to_string(), "12.95");
  EXPECT_EQ(report.refunded.to_string(), "3.99");
  EXPECT_EQ(report.emails.due, 3);
  EXPECT_EQ(report.shipments.due, 2);
  EXPECT_EQ(report.points.due, 9);
  EXPECT_EQ(report.orders.cancelled, 1);
  EXPECT_EQ(report.orders.per_second_tenths, 100);
  EXPECT_EQ(report.response_ms.p50_tenths, 1900);
  EXPECT_EQ(report.response_ms.max_tenths, 2100);
  EXPECT_EQ(report.caught_up_tenths, 8);
}

TEST(Reckoning, WhoOrdersAgainAfterAFailureIsChargedTwice) {
  ActRecord record = good_record();
  record.attempts[0].outcome = Outcome::failed;
  record.attempts.push_back(attempt("1-2", "1", Outcome::ok, 1300, 210));
  record.ledgers.charged.emplace_back("1-2", *Money::parse("12.95"));
  record.ledgers.orders["1-2"] = {"PAID", true};
  ActReport report = reckon(small_file(), record);
  EXPECT_EQ(report.orders.paid_but_told_failed, 1);
  EXPECT_EQ(report.payments.doubled, 1);
  EXPECT_EQ(report.emails.lost, 1) << "the second order is paid, and nobody was told";
  EXPECT_FALSE(report.whole());
}

TEST(Reckoning, FindsWhatIsLostAndWhatIsDoubled) {
  ActRecord record = good_record();
  record.ledgers.mailed = {"1", "1", "C3"};
  record.ledgers.shipped = {"1"};
  record.ledgers.charged.clear();
  ActReport report = reckon(small_file(), record);
  EXPECT_EQ(report.emails.lost, 1);
  EXPECT_EQ(report.emails.doubled, 1);
  EXPECT_EQ(report.shipments.lost, 1);
  EXPECT_EQ(report.payments.lost, 1);
}

TEST(Reckoning, ARejectedOrderOwesNothing) {
  ActRecord record = good_record();
  record.ledgers = {};
  for (Attempt& attempt : record.attempts) record.ledgers.orders[attempt.order_id] = {"REJECTED", false};
  ActReport report = reckon(small_file(), record);
  EXPECT_TRUE(report.whole());
  EXPECT_EQ(report.orders.rejected, 3);
  EXPECT_EQ(report.emails.due, 0);
}

TEST(Reckoning, AnswersWhileTheServerWasAwayAreCounted) {
  ActRecord record = good_record();
  record.server_away_us = {{1'250'000, 1'290'000}, {5'000'000, 6'000'000}};
  EXPECT_EQ(reckon(small_file(), record).orders.answered_while_server_away, 1);
}

TEST(Reckoning, OrdersMadeByHandMeanwhileAreNotPartOfTheAct) {
  ActRecord record = good_record();
  record.ledgers.charged.emplace_back("by hand", Money::pounds(5));
  record.ledgers.mailed.emplace_back("by hand");
  record.ledgers.orders["by hand"] = {"PAID", true};
  EXPECT_TRUE(reckon(small_file(), record).whole());
  EXPECT_EQ(reckon(small_file(), record).paid.to_string(), "12.95");
}

TEST(Report, EveryFigureCountedAgainOtherwiseIsNamed) {
  nlohmann::json ours = to_json(reckon(small_file(), good_record()));
  nlohmann::json theirs = ours;
  EXPECT_THAT(differences(ours, theirs), ElementsAre());
  theirs["emails"]["done"] = 4;
  theirs["payments"]["amount"] = "12.96";
  theirs["payments"]["unheard_of"] = 1;
  EXPECT_THAT(differences(ours, theirs), ElementsAre("emails.done: 3, counted again: 4",
                                                     "payments.amount: \"12.95\", counted again: \"12.96\"",
                                                     "payments.unheard_of: null, counted again: 1"));
}

}  // namespace
}  // namespace shop
