#include "protocol/base64.h"

#include <gtest/gtest.h>

namespace pabal::protocol {
namespace {

TEST(Base64, Rfc4648Vectors) {
  for (auto [plain, coded] : {std::pair{"", ""},
                              {"f", "Zg=="},
                              {"fo", "Zm8="},
                              {"foo", "Zm9v"},
                              {"foob", "Zm9vYg=="},
                              {"fooba", "Zm9vYmE="},
                              {"foobar", "Zm9vYmFy"}}) {
    EXPECT_EQ(base64_encode(plain), coded);
    EXPECT_EQ(base64_decode(coded), plain);
  }
}

TEST(Base64, IsStrict) {
  for (std::string_view text : {"Zg", "Zg=", "Zg==Zg==", "Zm9 ", "Zm9v\n", "Zh==", "Z===", "====", "Zm-_"}) {
    EXPECT_FALSE(base64_decode(text)) << text;
  }
}

}  // namespace
}  // namespace pabal::protocol
