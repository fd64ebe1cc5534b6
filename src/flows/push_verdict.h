#pragma once

#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "runtime/http.h"

namespace pabal::flows {

// What an endpoint's answer means for the message and for the endpoint, as HTTP.md's *Push* says.
struct PushVerdict {
  enum class Kind {
    ack,    // 2xx
    dead,   // 400, 413, 415, 422: this message will never be taken
    pause,  // 410: the subscription is not wanted any more
    rest,   // not there or too busy: leave it alone for a while; this was no delivery
    nack,   // everything else: try this message again later
  };
  Kind kind = Kind::nack;
  std::string reason = {};
  bool silent = false;                       // it took the request and gave no answer in time
  std::optional<Duration> retry_after = {};  // how long it wants to be left alone
};

[[nodiscard]] PushVerdict push_verdict(const Result<runtime::HttpResponse>& answer, WallTime now);

// "120" or "Fri, 31 Dec 1999 23:59:59 GMT"; nullopt for anything else.
[[nodiscard]] std::optional<Duration> read_retry_after(std::string_view text, WallTime now);

}  // namespace pabal::flows
