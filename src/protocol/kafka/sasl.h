#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Who the client is.
namespace pabal::kafka {

constexpr Api sasl_handshake_api{
    .key = ApiKey::sasl_handshake, .name = "SaslHandshake", .first = ApiVersion(0), .last = ApiVersion(1)};

struct SaslHandshakeRequest {
  static constexpr const Api& api = sasl_handshake_api;
  static constexpr bool is_request = true;

  std::string mechanism = {};

  static void describe(auto& visit) { visit("mechanism", &SaslHandshakeRequest::mechanism, always); }
  friend bool operator==(const SaslHandshakeRequest&, const SaslHandshakeRequest&) = default;
};

struct SaslHandshakeResponse {
  static constexpr const Api& api = sasl_handshake_api;
  static constexpr bool is_request = false;

  KafkaError error_code = {};
  std::vector<std::string> mechanisms = {};

  static void describe(auto& visit) {
    visit("error_code", &SaslHandshakeResponse::error_code, always);
    visit("mechanisms", &SaslHandshakeResponse::mechanisms, always);
  }
  friend bool operator==(const SaslHandshakeResponse&, const SaslHandshakeResponse&) = default;
};

constexpr Api sasl_authenticate_api{.key = ApiKey::sasl_authenticate,
                                    .name = "SaslAuthenticate",
                                    .first = ApiVersion(0),
                                    .last = ApiVersion(2),
                                    .first_flexible = ApiVersion(2)};

struct SaslAuthenticateRequest {
  static constexpr const Api& api = sasl_authenticate_api;
  static constexpr bool is_request = true;

  Bytes auth_bytes = {};

  static void describe(auto& visit) {
    visit("auth_bytes", &SaslAuthenticateRequest::auth_bytes, always.secret());
  }
  friend bool operator==(const SaslAuthenticateRequest&, const SaslAuthenticateRequest&) = default;
};

struct SaslAuthenticateResponse {
  static constexpr const Api& api = sasl_authenticate_api;
  static constexpr bool is_request = false;

  KafkaError error_code = {};
  std::optional<std::string> error_message = std::string();
  Bytes auth_bytes = {};
  LongMilliseconds session_lifetime = {};

  static void describe(auto& visit) {
    visit("error_code", &SaslAuthenticateResponse::error_code, always);
    visit("error_message", &SaslAuthenticateResponse::error_message, always.null_since(0));
    visit("auth_bytes", &SaslAuthenticateResponse::auth_bytes, always.secret());
    visit("session_lifetime", &SaslAuthenticateResponse::session_lifetime, since(1).ignorable());
  }
  friend bool operator==(const SaslAuthenticateResponse&, const SaslAuthenticateResponse&) = default;
};

}  // namespace pabal::kafka
