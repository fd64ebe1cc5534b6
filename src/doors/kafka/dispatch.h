#pragma once

#include <span>
#include <vector>

#include "doors/kafka/context.h"
#include "protocol/kafka/api_versions.h"

namespace pabal::doors {

// What goes back to the client: a frame in pieces, or nothing when the call wants no answer. An error closes
// the connection.
using KafkaReply = Result<std::vector<SharedBytes>>;

// A call that works here. `advertised_first` may lie below `first`: old versions that some clients look for
// before they believe in newer ones, and whose use is refused.
struct ServedCall {
  const kafka::Api& api;
  kafka::ApiVersion advertised_first;
  kafka::ApiVersion first;
  kafka::ApiVersion last;
  runtime::Task<KafkaReply> (*answer)(KafkaCall& call, const SharedBytes& body);
};

// By key.
[[nodiscard]] std::span<const ServedCall> served_calls();

// `frame` is a request without its size. invalid or unsupported: it cannot be answered.
[[nodiscard]] Result<const ServedCall*> find_call(const kafka::RequestHeader& start);
// To an ApiVersions request of a version that is not known (KIP-511).
[[nodiscard]] KafkaReply unknown_api_versions(const kafka::RequestHeader& start);
[[nodiscard]] std::vector<kafka::ApiVersionsResponse::VersionRange> version_ranges();

}  // namespace pabal::doors
