#include "shop/orders/csv.h"

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>
#include <zlib.h>

namespace shop {
namespace {

using Fields = std::vector<std::string>;

std::string temporary_path(const std::string& name) {
  return std::filesystem::temp_directory_path() / ("shop_csv_" + std::to_string(getpid()) + "_" + name);
}

std::vector<CsvRecord> read_all(CsvReader& reader) {
  std::vector<CsvRecord> records;
  for (;;) {
    auto record = reader.next();
    EXPECT_TRUE(record) << record.error().message;
    if (!record || !*record) return records;
    records.push_back(std::move(**record));
  }
}

std::vector<CsvRecord> records_of(const std::string& text) {
  std::string path = temporary_path("plain.csv");
  std::ofstream(path, std::ios::binary) << text;
  auto reader = CsvReader::open(path);
  EXPECT_TRUE(reader);
  auto records = read_all(**reader);
  std::filesystem::remove(path);
  return records;
}

TEST(Csv, ReadsQuotedFieldsLineBreaksAndBothLineEnds) {
  auto records = records_of("a,b,c\r\n1,\"two, \"\"quoted\"\"\",3\n\"over\ntwo lines\",,\nlast,\"\",\"x\"");
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].fields, (Fields{"a", "b", "c"}));
  EXPECT_EQ(records[1].fields, (Fields{"1", "two, \"quoted\"", "3"}));
  EXPECT_EQ(records[2].fields, (Fields{"over\ntwo lines", "", ""}));
  EXPECT_EQ(records[3].fields, (Fields{"last", "", "x"}));
  EXPECT_EQ(records[2].line, 3U);
  EXPECT_EQ(records[3].line, 5U);
}

TEST(Csv, BrokenCsvCostsOneLine) {
  auto records = records_of("1,a\n2,\"never closed,b\n3,c\n4,12\" ruler\n5,\"x\" y\n6,d\n");
  ASSERT_EQ(records.size(), 6U);
  EXPECT_EQ(records[0].fields, (Fields{"1", "a"}));
  EXPECT_FALSE(records[1].problem.empty());
  EXPECT_EQ(records[1].line, 2U);
  EXPECT_EQ(records[2].fields, (Fields{"3", "c"}));
  EXPECT_EQ(records[3].problem, "a quote inside a field that is not quoted");
  EXPECT_EQ(records[4].problem, "text after a closing quote");
  EXPECT_EQ(records[5].fields, (Fields{"6", "d"}));
}

TEST(Csv, AnUnclosedQuoteAtTheEndIsRefused) {
  auto records = records_of("1,a\n2,\"open");
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[1].problem, "a quoted field is not closed");
}

TEST(Csv, AStrayQuoteCannotSwallowALongFile) {
  std::string text = "1,\"stray\n";
  for (int i = 0; i < 20'000; ++i) text += "row,without,quotes\n";
  EXPECT_EQ(records_of(text).size(), 20'001U);
}

TEST(Csv, EveryCutOfARecordReadsTheSame) {
  std::string text = "1,\"two, \"\"q\"\"\",\"x\ny\"\r\n";
  for (size_t cut = 0; cut < text.size(); ++cut) {
    EXPECT_FALSE(read_csv_record(text.substr(0, cut), false)) << cut;
  }
  EXPECT_EQ(read_csv_record(text, false)->record.fields, (Fields{"1", "two, \"q\"", "x\ny"}));
}

TEST(Csv, ReadsGzipAndReportsItsDamage) {
  std::string path = temporary_path("packed.csv.gz");
  std::string text;
  for (int i = 0; i < 50'000; ++i) text += std::to_string(i * 7919) + ",b\n";
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  EXPECT_EQ(read_all(**CsvReader::open(path)).size(), 50'000U);

  std::filesystem::resize_file(path, std::filesystem::file_size(path) / 2);
  auto reader = CsvReader::open(path);
  pabal::Result<std::optional<CsvRecord>> record = CsvRecord{};
  while (record && *record) record = (*reader)->next();
  EXPECT_FALSE(record) << "a cut gzip file must not look like a shorter month";
  std::filesystem::remove(path);
}

TEST(Csv, AMissingFileIsAnErrorThatNamesIt) {
  auto reader = CsvReader::open("/no/such/orders.csv");
  ASSERT_FALSE(reader);
  EXPECT_THAT(reader.error().message, testing::HasSubstr("/no/such/orders.csv"));
}

}  // namespace
}  // namespace shop
