#include "doors/http/idempotency_key.h"

#include <algorithm>
#include <array>
#include <openssl/sha.h>

namespace pabal::doors {
namespace {

// A string of structured fields (RFC 8941): in quotes, \" and \\ escaped.
std::optional<std::string> unquote(std::string_view text) {
  if (!text.starts_with('"')) return std::string(text);
  std::string key;
  for (size_t i = 1; i < text.size(); ++i) {
    if (text[i] == '"') return i + 1 == text.size() ? std::optional(key) : std::nullopt;
    if (text[i] == '\\' && ++i == text.size()) return std::nullopt;
    key += text[i];
  }
  return std::nullopt;
}

bool is_printable(std::string_view text) {
  return std::ranges::all_of(text, [](unsigned char c) { return c >= 0x20 && c != 0x7f; });
}

std::string sha256(std::string_view bytes) {
  std::string digest(SHA256_DIGEST_LENGTH, '\0');
  SHA256(reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size(),
         reinterpret_cast<unsigned char*>(digest.data()));
  return digest;
}

// What makes two calls the same: the body, how it is read, and the key that a raw one comes with.
std::string fingerprint_of(const runtime::HttpRequest& request) {
  std::string digests;
  for (std::string_view part : {request.fields.get("content-type"), request.fields.get("pabal-key"),
                                std::string_view(request.body)}) {
    digests += sha256(part);
  }
  return sha256(digests);
}

}  // namespace

Result<std::optional<broker::Idempotency>> read_idempotency(const Call& call) {
  const std::string* given = call.request.fields.find("idempotency-key");
  if (given == nullptr) return std::nullopt;
  auto key = unquote(*given);
  if (!key || key->empty() || key->size() > broker::idempotency_key_bytes_max || !is_printable(*key)) {
    return error(ErrorCode::invalid,
                 "Idempotency-Key: right is a string of 1 to {} printable characters, such as \"8e03978e\"",
                 broker::idempotency_key_bytes_max);
  }
  return broker::Idempotency{
      .key = std::move(*key), .scope = call.service, .fingerprint = fingerprint_of(call.request)};
}

}  // namespace pabal::doors
