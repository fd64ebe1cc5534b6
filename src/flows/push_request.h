#pragma once

#include <string>

#include "broker/queue.h"
#include "runtime/http_client.h"

namespace pabal::flows {

// The request that brings one message to its endpoint: the body as it was sent; the record's headers, those
// of a CloudEvent also as its HTTP binding names them; who sends it (Pabal-Queue, Pabal-Delivery, Pabal-Key);
// signed when there is a secret.
[[nodiscard]] runtime::HttpRequest push_request(const std::string& queue,
                                                const broker::PushSettings& settings, const runtime::Url& url,
                                                const broker::Message& message, WallTime now);

}  // namespace pabal::flows
