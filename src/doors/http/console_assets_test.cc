#include "doors/http/console_assets.h"

#include <gtest/gtest.h>
#include <string>
#include <zlib.h>

namespace pabal::doors {
namespace {

std::string inflated(BytesView gzip) {
  z_stream stream{};
  if (inflateInit2(&stream, 16 + MAX_WBITS) != Z_OK) return {};
  stream.next_in = const_cast<Bytef*>(gzip.data());
  stream.avail_in = static_cast<uInt>(gzip.size());
  std::string text(1_MiB, '\0');
  stream.next_out = reinterpret_cast<Bytef*>(text.data());
  stream.avail_out = static_cast<uInt>(text.size());
  const int outcome = inflate(&stream, Z_FINISH);
  text.resize(stream.total_out);
  inflateEnd(&stream);
  return outcome == Z_STREAM_END ? text : std::string();
}

class ConsoleAssets : public ::testing::Test {
 protected:
  void SetUp() override {
    if (console_assets().empty())
      GTEST_SKIP() << "SKIPPED: this build found no node and npm, so it has no console";
  }
};

TEST_F(ConsoleAssets, PageIsThereAndNamesOnlyFilesThatAreThere) {
  const Asset* page = find_console_asset("/index.html");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->media_type, "text/html; charset=utf-8");
  const std::string html = inflated(page->gzip);
  size_t named = 0;
  for (size_t at = html.find("\"/assets/"); at != std::string::npos; at = html.find("\"/assets/", at + 1)) {
    const std::string path = html.substr(at + 1, html.find('"', at + 1) - at - 1);
    EXPECT_NE(find_console_asset(path), nullptr) << path;
    ++named;
  }
  EXPECT_GE(named, 2U);
}

TEST_F(ConsoleAssets, PageBreaksNoContentSecurityPolicy) {
  const std::string html = inflated(find_console_asset("/index.html")->gzip);
  EXPECT_EQ(html.find("<script>"), std::string::npos);
  EXPECT_EQ(html.find("<style"), std::string::npos);
  EXPECT_EQ(html.find("http://"), std::string::npos);
  EXPECT_EQ(html.find("https://"), std::string::npos);
}

TEST_F(ConsoleAssets, EveryFileHasAStrongTagAndInflates) {
  for (const Asset& asset : console_assets()) {
    EXPECT_TRUE(asset.path.starts_with('/')) << asset.path;
    EXPECT_TRUE(asset.etag.starts_with('"') && asset.etag.ends_with('"')) << asset.path;
    EXPECT_FALSE(inflated(asset.gzip).empty()) << asset.path;
    EXPECT_EQ(find_console_asset(asset.path), &asset);
  }
  EXPECT_EQ(find_console_asset("/no-such-file"), nullptr);
  EXPECT_EQ(find_console_asset("/"), nullptr);
}

TEST_F(ConsoleAssets, WholeConsoleStaysBelow250KilobytesCompressed) {
  size_t bytes = 0;
  for (const Asset& asset : console_assets()) bytes += asset.gzip.size();
  EXPECT_LT(bytes, 250'000U);
}

}  // namespace
}  // namespace pabal::doors
