#include "flows/webhook_signature.h"

#include <array>
#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"
#include "protocol/base64.h"

namespace pabal::flows {
namespace {

constexpr std::string_view secret_prefix = "whsec_";

}  // namespace

Result<Bytes> read_webhook_secret(std::string_view secret) {
  auto problem = [] {
    return error(ErrorCode::invalid,
                 "a push secret is \"{}\" and the base64 of {} to {} random bytes, as Standard Webhooks says",
                 secret_prefix, webhook_secret_bytes_min, webhook_secret_bytes_max);
  };
  if (!secret.starts_with(secret_prefix)) return problem();
  auto key = protocol::base64_decode(secret.substr(secret_prefix.size()));
  if (!key || key->size() < webhook_secret_bytes_min || key->size() > webhook_secret_bytes_max)
    return problem();
  return Bytes(key->begin(), key->end());
}

std::string webhook_signature(BytesView key, std::string_view id, int64_t unix_seconds,
                              std::string_view body) {
  std::string text = fmt::format("{}.{}.", id, unix_seconds);
  text += body;
  std::array<uint8_t, EVP_MAX_MD_SIZE> digest;
  unsigned length = 0;
  const auto* done =
      HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(), digest.data(), &length);
  check(done != nullptr, "HMAC-SHA256 of {} bytes failed", text.size());
  return "v1," + protocol::base64_encode(as_text(BytesView(digest).first(length)));
}

}  // namespace pabal::flows
