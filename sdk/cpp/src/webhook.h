#pragma once

#include "base/clock.h"
#include "base/error.h"
#include "runtime/http.h"

namespace pabal::sdk {

// Whether a pushed request bears the signature of `secret` ("whsec_" and base64), as Standard Webhooks 1.0.0
// says: over id, time and body, at most five minutes old. `unauthorized` says what is wrong with it.
[[nodiscard]] Result<void> verify_webhook(std::string_view secret, const runtime::HttpRequest& request,
                                          WallTime now);

}  // namespace pabal::sdk
