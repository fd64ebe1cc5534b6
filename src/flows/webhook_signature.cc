#include "flows/webhook_signature.h"

#include <fmt/format.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "base/check.h"

namespace pabal::flows {
namespace {

constexpr std::string_view secret_prefix = "whsec_";

std::string base64_of(BytesView bytes) {
  std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
  int length = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), bytes.data(),
                               static_cast<int>(bytes.size()));
  out.resize(static_cast<size_t>(length));
  return out;
}

std::optional<Bytes> from_base64(std::string_view text) {
  size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (text.empty() || text.size() % 4 != 0 || text.size() > 1024) return std::nullopt;
  Bytes out(text.size() / 4 * 3);
  int length = EVP_DecodeBlock(out.data(), reinterpret_cast<const unsigned char*>(text.data()),
                               static_cast<int>(text.size()));
  if (length < 0) return std::nullopt;
  out.resize(static_cast<size_t>(length) - padding);
  return out;
}

}  // namespace

Result<Bytes> read_webhook_secret(std::string_view secret) {
  auto problem = [] {
    return error(ErrorCode::invalid,
                 "a push secret is \"{}\" and the base64 of {} to {} random bytes, as Standard Webhooks says",
                 secret_prefix, webhook_secret_bytes_min, webhook_secret_bytes_max);
  };
  if (!secret.starts_with(secret_prefix)) return problem();
  auto key = from_base64(secret.substr(secret_prefix.size()));
  if (!key || key->size() < webhook_secret_bytes_min || key->size() > webhook_secret_bytes_max)
    return problem();
  return std::move(*key);
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
  return "v1," + base64_of(BytesView(digest).first(length));
}

}  // namespace pabal::flows
