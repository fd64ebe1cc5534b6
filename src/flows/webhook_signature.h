#pragma once

#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/error.h"

namespace pabal::flows {

// Signing as Standard Webhooks 1.0.0 says: https://github.com/standard-webhooks/standard-webhooks

constexpr size_t webhook_secret_bytes_min = 24;
constexpr size_t webhook_secret_bytes_max = 64;

// "whsec_" and the base64 of 24 to 64 bytes → the key.
[[nodiscard]] Result<Bytes> read_webhook_secret(std::string_view secret);

// The value of `webhook-signature` for one attempt.
[[nodiscard]] std::string webhook_signature(BytesView key, std::string_view id, int64_t unix_seconds,
                                            std::string_view body);

}  // namespace pabal::flows
