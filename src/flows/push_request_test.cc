#include "flows/push_request.h"

#include <gtest/gtest.h>

#include "flows/push_verdict.h"
#include "flows/webhook_signature.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;

// The vector of the Standard Webhooks specification.
constexpr std::string_view secret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
constexpr int64_t timestamp = 1'614'265'330;
constexpr std::string_view signature = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

TEST(WebhookSignature, IsThatOfTheSpecification) {
  auto key = read_webhook_secret(secret).value();
  EXPECT_EQ(webhook_signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", timestamp, R"({"test": 2432232314})"),
            signature);
}

TEST(WebhookSignature, RefusesSecretsThatAreNone) {
  for (auto text : {"", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_", "whsec_AAAA",
                    "whsec_!fKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaS"}) {
    EXPECT_FALSE(read_webhook_secret(text)) << text;
  }
}

broker::Message message() {
  return {.id = "msg_p5jXN8AQM9LWM0D4loKWxJek",
          .lease = "l",
          .key = "O-1",
          .body = R"({"test": 2432232314})",
          .headers = {{"ce_type", "Order Paid"},
                      {"content-type", "application/json"},
                      {"correlationid", "flow-1"},
                      {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}},
          .delivery = 3,
          .enqueued_at = {}};
}

runtime::HttpRequest request_of(const broker::Message& message, std::string with_secret = "") {
  broker::PushSettings settings{.url = "http://member:1/events?x=1", .secret = std::move(with_secret)};
  return push_request("member.points", settings, *runtime::Url::parse(settings.url), message,
                      WallTime(std::chrono::seconds(timestamp)));
}

TEST(PushRequest, CarriesTheBodyTheHeadersAndWhoSendsIt) {
  auto request = request_of(message());
  EXPECT_EQ(request.method, "POST");
  EXPECT_EQ(request.target, "/events?x=1");
  EXPECT_EQ(request.body, R"({"test": 2432232314})");
  EXPECT_EQ(request.fields.get("Content-Type"), "application/json");
  EXPECT_EQ(request.fields.get("ce_type"), "Order Paid");
  EXPECT_EQ(request.fields.get("ce-type"), "Order%20Paid");
  EXPECT_EQ(request.fields.get("Correlation-Id"), "flow-1");
  EXPECT_EQ(request.fields.get("traceparent"), "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
  EXPECT_EQ(request.fields.get("Pabal-Queue"), "member.points");
  EXPECT_EQ(request.fields.get("Pabal-Delivery"), "3");
  EXPECT_EQ(request.fields.get("Pabal-Key"), "O-1");
  EXPECT_FALSE(request.fields.find("webhook-signature"));
}

TEST(PushRequest, IsSignedWhenThereIsASecret) {
  auto request = request_of(message(), std::string(secret));
  EXPECT_EQ(request.fields.get("webhook-id"), "msg_p5jXN8AQM9LWM0D4loKWxJek");
  EXPECT_EQ(request.fields.get("webhook-timestamp"), "1614265330");
  EXPECT_EQ(request.fields.get("webhook-signature"), signature);
}

TEST(PushRequest, ARecordCannotForgeFieldsNorEndThem) {
  auto evil = message();
  evil.headers = {{"X-A", "1\r\nHost: evil"}, {"Host", "evil"},
                  {"Pabal-Queue", "other"},   {"webhook-id", "forged"},
                  {"bad name", "x"},          {"Content-Length", "0"},
                  {"x-null", std::nullopt},   {"Transfer-Encoding", "chunked"}};
  evil.id = "a\r\nb";
  auto request = request_of(evil, std::string(secret));
  EXPECT_EQ(request.fields.get("X-A"), "1%0D%0AHost: evil");
  for (auto name : {"Host", "bad name", "Content-Length", "x-null", "Transfer-Encoding"}) {
    EXPECT_FALSE(request.fields.find(name)) << name;
  }
  EXPECT_EQ(request.fields.get("Pabal-Queue"), "member.points");
  for (const auto& [name, value] : request.fields) {
    EXPECT_EQ(value.find_first_of("\r\n"), std::string::npos) << name;
  }
}

TEST(RetryAfter, ReadsSecondsAndDates) {
  WallTime now = WallTime(946'684'739s);  // Fri, 31 Dec 1999 23:58:59 GMT
  EXPECT_EQ(read_retry_after("120", now), 120s);
  EXPECT_EQ(read_retry_after("Fri, 31 Dec 1999 23:59:59 GMT", now), 60s);
  EXPECT_EQ(read_retry_after("Fri, 31 Dec 1999 23:00:00 GMT", now), 0s);
  EXPECT_EQ(read_retry_after("Fri, 31 Dec 9999 23:59:59 GMT", now), std::chrono::days(366));
  for (auto text :
       {"", "soon", "-1", "1.5", "Fri, 31 Foo 1999 23:59:59 GMT", "Fri, 99 Dec 1999 23:59:59 GMT"}) {
    EXPECT_FALSE(read_retry_after(text, now)) << text;
  }
}

TEST(PushVerdict, QuotesTheAnswerShortlyAndOnOneLine) {
  runtime::HttpResponse answer;
  answer.status = 500;
  answer.body = "first\x01 line\nsecond";
  EXPECT_EQ(push_verdict(Result<runtime::HttpResponse>(std::move(answer)), {}).reason,
            "answered 500: first line");
  runtime::HttpResponse longer;
  longer.status = 422;
  longer.body = std::string(100'000, 'x');
  EXPECT_LT(push_verdict(Result<runtime::HttpResponse>(std::move(longer)), {}).reason.size(), 500u);
}

}  // namespace
}  // namespace pabal::flows
