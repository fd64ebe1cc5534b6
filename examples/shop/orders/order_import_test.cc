#include "shop/orders/order_import.h"

#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include "shop/orders/order_generator.h"

namespace shop {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

constexpr std::string_view header =
    "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";

class OrderImport : public testing::Test {
 protected:
  ~OrderImport() override { std::filesystem::remove(path_); }

  Result<OrdersFile> read(const std::string& text, std::optional<uint64_t> limit = {}) {
    std::ofstream(path_, std::ios::binary) << text;
    return read_orders(path_, limit);
  }

  std::string path_ =
      std::filesystem::temp_directory_path() / ("shop_orders_" + std::to_string(getpid()) + ".csv");
};

const Purchase& invoice(const OrdersFile& file, std::string_view number) {
  auto found = std::ranges::find(file.purchases, number, &Purchase::invoice);
  EXPECT_NE(found, file.purchases.end()) << number;
  return *found;
}

TEST_F(OrderImport, AQuantityBeyondAllNumbersIsRefused) {
  for (auto quantity : {"-9223372036854775808", "9223372036854775807", "99999999999999999999"}) {
    auto file = read(fmt::format("{}1,a,b,{},,1.00,c,UK\n", header, quantity));
    ASSERT_TRUE(file) << file.error().message;
    EXPECT_EQ(file->lines_refused(), 1u) << quantity;
  }
}

// The totals of fixture/README.md, which were worked out by hand.
TEST_F(OrderImport, TheDirtyFixtureGivesTheTotalsWorkedOutByHand) {
  auto file = read_orders(SHOP_FIXTURE_DIRECTORY "/dirty.csv");
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->lines_read, 25U);
  EXPECT_EQ(file->lines_used, 13U);
  EXPECT_EQ(file->purchases.size(), 11U);
  EXPECT_EQ(invoice(*file, "1001").amount().to_string(), "23.095");
  EXPECT_EQ(invoice(*file, "1002").amount().to_string(), "5.55");
  EXPECT_EQ(invoice(*file, "1003").amount().to_string(), "0.50");
  EXPECT_EQ(invoice(*file, "1004").amount().to_string(), "0.00");
  EXPECT_TRUE(invoice(*file, "1005").lines.empty());
  EXPECT_EQ(invoice(*file, "1006").amount().to_string(), "7.50");
  EXPECT_EQ(invoice(*file, "C1007").amount().to_string(), "3.75");
  EXPECT_EQ(invoice(*file, "C1008").amount().to_string(), "25.001");
  EXPECT_EQ(invoice(*file, "C1009").amount().to_string(), "4.25");
  EXPECT_TRUE(invoice(*file, "C1010").lines.empty());
  EXPECT_EQ(invoice(*file, "1011").amount().to_string(), "25.50");
}

TEST_F(OrderImport, TheDirtyFixtureListsEachRefusedLine) {
  auto file = read_orders(SHOP_FIXTURE_DIRECTORY "/dirty.csv");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->refused.size(), 7U);
  EXPECT_THAT(file->refused["it is not eight fields of valid CSV"], ElementsAre(21, 22, 23, 26));
  EXPECT_THAT(file->refused["the invoice number is missing or not readable"], ElementsAre(24));
  EXPECT_THAT(file->refused["the customer number is not readable"], ElementsAre(25));
  EXPECT_THAT(file->refused["the quantity is not a whole number"], ElementsAre(12));
  EXPECT_THAT(file->refused["the price is not a decimal number"], ElementsAre(13));
  EXPECT_THAT(file->refused["the quantity is zero or negative"], ElementsAre(8, 11));
  EXPECT_THAT(file->refused["the price is negative"], ElementsAre(9, 18));
}

TEST_F(OrderImport, CustomersGuestsAndCancellationsAreTold) {
  auto file = read_orders(SHOP_FIXTURE_DIRECTORY "/dirty.csv");
  ASSERT_TRUE(file);
  EXPECT_EQ(invoice(*file, "1001").customer, "17850");
  EXPECT_EQ(invoice(*file, "1002").customer, "");
  EXPECT_TRUE(invoice(*file, "C1008").cancellation);
  EXPECT_FALSE(invoice(*file, "1011").cancellation);
  EXPECT_EQ(invoice(*file, "1011").lines[0].description, "GLASS STAR\nFROSTED");
  EXPECT_EQ(invoice(*file, "1001").lines[0].description, "HEART, WHITE \"T-LIGHT\" HOLDER");
}

TEST_F(OrderImport, AnotherHeaderIsRefusedWithBothInTheMessage) {
  auto file = read("Invoice,Item\n1,2\n");
  ASSERT_FALSE(file);
  EXPECT_THAT(file.error().message, HasSubstr("InvoiceNo,StockCode"));
  EXPECT_THAT(file.error().message, HasSubstr("Invoice,Item"));
  EXPECT_FALSE(read(""));
  EXPECT_TRUE(read("\xEF\xBB\xBF" + std::string(header)))
      << "a byte order mark is no reason to refuse a file";
}

TEST_F(OrderImport, ALimitStopsBeforeTheNextInvoice) {
  std::string line = ",A,THING,1,2010-12-01,1.00,,UK\n";
  auto file = read(std::string(header) + "1" + line + "2" + line + "1" + line + "3" + line + "1" + line, 2);
  ASSERT_TRUE(file);
  EXPECT_EQ(file->purchases.size(), 2U);
  EXPECT_EQ(file->lines_read, 3U);
}

TEST_F(OrderImport, WhatIsNotUtf8IsReadAsLatin1) {
  auto file = read(std::string(header) + "1,A,CAF\xC9 \xC3\xA9 \xED\x95\x9C \xED\xA0\x80,1,d,1,,UK\n");
  ASSERT_TRUE(file);
  EXPECT_EQ(file->purchases[0].lines[0].description,
            "CAF\xC3\x89 \xC3\xA9 \xED\x95\x9C \xC3\xAD\xC2\xA0\xC2\x80");
}

TEST_F(OrderImport, TheSameSeedMakesTheSameOrders) {
  std::string text = generate_orders({.seed = 7, .count = 200});
  EXPECT_EQ(text, generate_orders({.seed = 7, .count = 200}));
  EXPECT_NE(text, generate_orders({.seed = 8, .count = 200}));
  auto file = read(text);
  ASSERT_TRUE(file) << file.error().message;
  EXPECT_EQ(file->purchases.size(), 200U);
  EXPECT_GT(std::ranges::count_if(file->purchases, &Purchase::cancellation), 5);
  EXPECT_GT(std::ranges::count(file->purchases, std::string(), &Purchase::customer), 5);
  EXPECT_GT(file->lines_refused(), 0U);
}

}  // namespace
}  // namespace shop
