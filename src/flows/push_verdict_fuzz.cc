#include "base/fuzz.h"
#include "flows/push_request.h"
#include "flows/push_verdict.h"
#include "flows/webhook_signature.h"

// Both ways of a push: the request made of anybody's record, and the endpoint's answer. The first byte
// chooses.

namespace pabal::flows {
namespace {

const WallTime now = WallTime(std::chrono::milliseconds(1'770'000'000'000));

std::string_view take_line(std::string_view& text) {
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  return line;
}

void try_retry_after(std::string_view text) {
  auto wait = read_retry_after(text, now);
  if (wait) check(*wait >= Duration::zero(), "{:?} is a negative time", text);
}

// Status, Retry-After, body.
void try_answer(std::string_view text) {
  runtime::HttpResponse answer{.status = text.empty() ? 503 : 200 + 2 * static_cast<uint8_t>(text.front())};
  text.remove_prefix(std::min<size_t>(text.size(), 1));
  answer.fields.add("Retry-After", std::string(take_line(text)));
  answer.body = text;
  auto verdict = push_verdict(std::move(answer), now);
  check(verdict.kind == PushVerdict::Kind::ack || !verdict.reason.empty(), "a refusal without a reason");
  check(!verdict.retry_after || *verdict.retry_after >= Duration::zero(), "a negative rest");
}

// Lines of the id, the key, the header's name, and its value as the rest. No field ends early, and none is
// reserved.
void try_request(std::string_view text) {
  broker::Message message;
  message.id = take_line(text);
  message.key = take_line(text);
  std::string name(take_line(text));
  message.headers.push_back({name, std::string(text)});
  broker::PushSettings settings{.url = "http://a/", .secret = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIz"};
  auto request = push_request("q", settings, {.host = "a", .port = "80"}, message, now);
  for (const char* only_once : {"pabal-queue", "webhook-id", "webhook-signature", "pabal-delivery"}) {
    auto is_it = [&](const auto& field) {
      return std::ranges::equal(field.first, std::string_view(only_once), {},
                                [](char c) { return std::tolower(c); });
    };
    check(std::ranges::count_if(request.fields, is_it) == 1, "{} is there more than once", only_once);
  }
  for (const auto& [field, value] : request.fields) {
    check(std::ranges::all_of(value, [](char c) { return c >= 0x20 && c < 0x7f; }), "field {} holds {:?}",
          field, value);
  }
}

void try_secret(std::string_view text) {
  auto secret = read_webhook_secret(text);
  if (secret)
    check(secret->size() >= webhook_secret_bytes_min && secret->size() <= webhook_secret_bytes_max,
          "a wrong secret");
}

constexpr std::array choices = {try_retry_after, try_answer, try_request, try_secret};

}  // namespace
}  // namespace pabal::flows

PABAL_FUZZ(push) {
  uint8_t choice = pabal::take_byte(input);
  pabal::flows::choices[choice % pabal::flows::choices.size()](pabal::as_text(input));
}
