#include "webhook.h"

#include <gmock/gmock.h>

namespace pabal::sdk {
namespace {

using namespace std::chrono_literals;

constexpr const char* secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr auto sent_at = std::chrono::sys_seconds(1614265330s);

// The example of Standard Webhooks.
runtime::HttpRequest example() {
  runtime::HttpRequest request{.body = R"({"test": 2432232314})"};
  request.fields.add("webhook-id", "msg_p5jXN8AQM9LWM0D4loKWxJek");
  request.fields.add("webhook-timestamp", "1614265330");
  request.fields.add("webhook-signature", "v1,AAAA v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
  return request;
}

TEST(verify_webhook, takes_the_example_of_the_standard) {
  EXPECT_TRUE(verify_webhook(secret, example(), sent_at + 4min));
}

TEST(verify_webhook, refuses_anything_else) {
  EXPECT_FALSE(verify_webhook(secret, example(), sent_at + 6min)) << "old";
  EXPECT_FALSE(verify_webhook(secret, example(), sent_at - 6min)) << "from the future";
  EXPECT_FALSE(verify_webhook("whsec_AAAA", example(), sent_at)) << "another secret";
  EXPECT_FALSE(verify_webhook("whsec_?", example(), sent_at)) << "no secret";
  auto change = [](std::string_view field, std::string value) {
    runtime::HttpRequest request = example();
    request.fields.set(field, std::move(value));
    return verify_webhook(secret, request, sent_at).has_value();
  };
  EXPECT_FALSE(change("webhook-id", "other"));
  EXPECT_FALSE(change("webhook-timestamp", "1614265331"));
  EXPECT_FALSE(change("webhook-timestamp", "soon"));
  EXPECT_FALSE(change("webhook-timestamp", "-1"));
  EXPECT_FALSE(change("webhook-timestamp", "9223372036854775807"));
  EXPECT_FALSE(change("webhook-signature", ""));
  runtime::HttpRequest body = example();
  body.body += " ";
  EXPECT_FALSE(verify_webhook(secret, body, sent_at));
}

}  // namespace
}  // namespace pabal::sdk
