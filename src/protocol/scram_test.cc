#include "protocol/scram.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "protocol/base64.h"

namespace pabal::scram {
namespace {

using testing::HasSubstr;

Bytes decoded(std::string_view base64) {
  std::string text = protocol::base64_decode(base64).value();
  return {text.begin(), text.end()};
}

constexpr std::string_view server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
constexpr std::string_view client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
constexpr std::string_view final_without_proof =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";

Exchange exchange(Hash hash, std::string_view password = "pencil") {
  Keys keys = keys_of(hash, password, decoded("W22ZaJ0SNY7soEsUEjb6gQ=="), 4096);
  return {keys, read_client_first(client_first).value(), server_nonce};
}

std::string final_with(std::string_view proof) {
  return std::string(final_without_proof) + ",p=" + std::string(proof);
}

// RFC 7677, section 3.
TEST(Scram, TheExampleOfTheRfcComesOut) {
  Exchange one = exchange(Hash::sha_256);
  EXPECT_EQ(one.challenge(),
            "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096");
  auto last = one.finish(final_with("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ="));
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_EQ(*last, "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=");
}

// The same with SHA-512; computed with Python's hashlib and hmac.
TEST(Scram, Sha512IsTheSameWithAnotherHash) {
  auto last =
      exchange(Hash::sha_512)
          .finish(final_with(
              "gMGXRcevScNtxZ6/8lQYpGtnsNAc3mGcmNomv+xnoOMw+3R2xNJdMNnzMlTN8PPC6wdp6dybEmDYXYTxwnYPJQ=="));
  ASSERT_TRUE(last) << last.error().message;
  EXPECT_EQ(*last,
            "v=ZQnYEgWQMFmmsM8aQMF0nDDCy/AgCzkwk8CmMZYcMg0vSVlKDanekLtifDSeVGT4+5ZxXnJq199RVG2rR7N7Zw==");
}

TEST(Scram, AnotherPasswordIsUnauthorizedAndNonsenseIsInvalid) {
  std::string right = final_with("dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
  auto wrong = exchange(Hash::sha_256, "pencils").finish(right);
  ASSERT_FALSE(wrong);
  EXPECT_EQ(wrong.error().code, ErrorCode::unauthorized);
  Exchange one = exchange(Hash::sha_256);
  for (std::string_view nonsense : {std::string_view(""), std::string_view("c=biws"), final_without_proof}) {
    EXPECT_EQ(one.finish(nonsense).error().code, ErrorCode::invalid) << nonsense;
  }
  for (const char* proof : {"", "AAAA", "dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ", "!!!!"}) {
    EXPECT_EQ(one.finish(final_with(proof)).error().code, ErrorCode::invalid) << proof;
  }
  std::string other_binding = right;
  other_binding.replace(0, 6, "c=eSws");
  EXPECT_EQ(one.finish(other_binding).error().code, ErrorCode::invalid);
  std::string other_nonce = right;
  other_nonce.replace(other_nonce.find("NEkqO%"), 1, "M");
  EXPECT_EQ(one.finish(other_nonce).error().code, ErrorCode::invalid);
}

TEST(Scram, ThePasswordItselfIsCheckedToo) {
  Keys keys = keys_of(Hash::sha_512, "pencil", random_bytes(salt_bytes), iterations_min);
  EXPECT_TRUE(matches(keys, "pencil"));
  EXPECT_FALSE(matches(keys, "pencil "));
  EXPECT_FALSE(matches(keys, ""));
}

TEST(Scram, NamesAreReadWithTheirEscapes) {
  EXPECT_EQ(read_client_first("n,,n=a=2Cb=3Dc,r=x")->user, "a,b=c");
  EXPECT_EQ(read_client_first("y,,n=a,r=x")->gs2_header, "y,,");
  auto same = read_client_first("n,a=user,n=user,r=x,ext=1");
  ASSERT_TRUE(same);
  EXPECT_EQ(same->gs2_header, "n,a=user,");
  EXPECT_EQ(same->bare, "n=user,r=x,ext=1");
}

TEST(Scram, WhatIsNoFirstMessageIsRefused) {
  for (const char* message :
       {"", "n", "n,", "n,,", "p=tls-unique,,n=user,r=x", "n,,n=,r=x", "n,,n=user,r=", "n,,n=user",
        "n,,n=us=er,r=x", "n,,n=us=2cer,r=x", "n,,r=x,n=user", "n,a=other,n=user,r=x", "n,,m=ext,n=user,r=x",
        "n,,n=user,r=a b", "nn=user,r=x"}) {
    EXPECT_FALSE(read_client_first(message)) << message;
  }
  EXPECT_FALSE(read_client_first("n,,n=user,r=" + std::string(nonce_bytes_max + 1, 'x')));
  EXPECT_TRUE(read_client_first("n,,n=user,r=" + std::string(nonce_bytes_max, 'x')));
  EXPECT_FALSE(read_client_first("n,,n=" + std::string(message_bytes_max, 'x') + ",r=x"));
}

TEST(Scram, NobodyLooksTheSameEachTimeAndIsNeverLetIn) {
  Bytes secret = random_bytes(32);
  Keys once = keys_of_nobody(Hash::sha_256, "ghost", secret);
  Keys again = keys_of_nobody(Hash::sha_256, "ghost", secret);
  EXPECT_EQ(once.salt, again.salt);
  EXPECT_EQ(once.salt.size(), salt_bytes);
  EXPECT_EQ(once.iterations, iterations_min);
  EXPECT_NE(once.salt, keys_of_nobody(Hash::sha_256, "other", secret).salt);
  EXPECT_NE(once.stored_key, again.stored_key);
  EXPECT_FALSE(matches(once, ""));
}

}  // namespace
}  // namespace pabal::scram
