#include "webhook.h"

#include <array>
#include <charconv>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "protocol/base64.h"

namespace pabal::sdk {

namespace {

constexpr std::chrono::minutes tolerance{5};

std::string sign(const std::string& key, const std::string& signed_text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  ::HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
         reinterpret_cast<const unsigned char*>(signed_text.data()), signed_text.size(), digest.data(),
         &size);
  return "v1," + protocol::base64_encode({reinterpret_cast<const char*>(digest.data()), size});
}

bool same(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::optional<int64_t> whole_number(std::string_view text) {
  int64_t number = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (problem != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return number;
}

}  // namespace

Result<void> verify_webhook(std::string_view secret, const runtime::HttpRequest& request, WallTime now) {
  auto refused = [](std::string_view why) { return error(ErrorCode::unauthorized, "{}", why); };
  auto key = protocol::base64_decode(secret.starts_with("whsec_") ? secret.substr(6) : secret);
  if (!key) return refused("the secret of this service is not whsec_ and base64");
  auto seconds = whole_number(request.fields.get("webhook-timestamp"));
  if (!seconds) return refused("the request has no webhook-timestamp");
  // In seconds: as milliseconds a hostile number would not fit.
  int64_t now_seconds = std::chrono::floor<std::chrono::seconds>(now).time_since_epoch().count();
  constexpr int64_t off_max = std::chrono::seconds(tolerance).count();
  if (*seconds < 0 || *seconds > now_seconds + off_max || *seconds < now_seconds - off_max) {
    return refused("the request is too old, or a clock is wrong");
  }
  std::string_view id = request.fields.get("webhook-id");
  std::string expected = sign(*key, fmt::format("{}.{}.{}", id, *seconds, request.body));
  std::string_view signatures = request.fields.get("webhook-signature");
  while (!signatures.empty()) {
    std::string_view one = signatures.substr(0, signatures.find(' '));
    if (same(one, expected)) return {};
    signatures.remove_prefix(std::min(signatures.size(), one.size() + 1));
  }
  return refused("the signature is not that of this subscription's secret");
}

}  // namespace pabal::sdk
