#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "broker/queue.h"
#include "doors/http/fields.h"
#include "runtime/http.h"

namespace pabal::doors {

constexpr size_t messages_per_call_max = 10'000;
constexpr size_t leases_per_call_max = 10'000;
constexpr Duration wait_max = std::chrono::seconds(60);

// POST …/messages: {"messages": [{"body", "key", "headers", "delay", "at", "ttl"}]}. Each gets the headers of
// the flow it belongs to, as records do.
Result<std::vector<broker::PostMessage>> read_messages(const runtime::HttpRequest& request, WallTime now,
                                                       const std::function<std::string()>& make_id);
// POST …/receive: {"max", "wait", "visibility"}, all optional
Result<broker::Receive> read_receive(std::string_view body);
// POST …/ack: {"leases": ["…"]}
Result<std::vector<std::string>> read_ack(std::string_view body);
// POST …/nack: {"leases": ["…"], "delay", "reason", "dead"}
Result<broker::Nack> read_nack(std::string_view body);
// POST …/extend: {"leases": ["…"], "visibility"}
struct Extend {
  std::vector<std::string> leases;
  Duration visibility;
};
Result<Extend> read_extend(std::string_view body);

}  // namespace pabal::doors
