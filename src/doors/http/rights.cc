#include "doors/http/rights.h"

#include <algorithm>
#include <array>

namespace pabal::doors {
namespace {

using broker::AclOperation;
using broker::AclResource;

constexpr std::array rights = {
    Right{"GET", "/v1/topics", AclOperation::describe, AclResource::cluster},
    Right{"GET", "/v1/topics/{topic}", AclOperation::describe, AclResource::topic, "topic"},
    Right{"PUT", "/v1/topics/{topic}", AclOperation::all, AclResource::topic, "topic"},
    Right{"DELETE", "/v1/topics/{topic}", AclOperation::remove, AclResource::topic, "topic"},
    Right{"POST", "/v1/topics/{topic}/delete_records", AclOperation::remove, AclResource::topic, "topic"},
    Right{"POST", "/v1/topics/{topic}/records", AclOperation::write, AclResource::topic, "topic"},
    Right{"GET", "/v1/topics/{topic}/records", AclOperation::read, AclResource::topic, "topic"},
    Right{"GET", "/v1/topics/{topic}/stream", AclOperation::read, AclResource::topic, "topic"},
    Right{"GET", "/v1/groups", AclOperation::describe, AclResource::cluster},
    Right{"GET", "/v1/groups/{group}", AclOperation::describe, AclResource::group, "group"},
    Right{"DELETE", "/v1/groups/{group}", AclOperation::remove, AclResource::group, "group"},
    Right{"POST", "/v1/groups/{group}/reset", AclOperation::read, AclResource::group, "group"},
    Right{"GET", "/v1/queues", AclOperation::describe, AclResource::cluster},
    Right{"GET", "/v1/queues/{queue}", AclOperation::describe, AclResource::group, "queue"},
    Right{"GET", "/v1/queues/{queue}/messages", AclOperation::read, AclResource::group, "queue"},
    Right{"POST", "/v1/queues/{queue}/messages", AclOperation::write, AclResource::group, "queue"},
    Right{"POST", "/v1/queues/{queue}/receive", AclOperation::read, AclResource::group, "queue"},
    Right{"POST", "/v1/queues/{queue}/ack", AclOperation::read, AclResource::group, "queue"},
    Right{"POST", "/v1/queues/{queue}/nack", AclOperation::read, AclResource::group, "queue"},
    Right{"POST", "/v1/queues/{queue}/extend", AclOperation::read, AclResource::group, "queue"},
    Right{"GET", "/v1/flow", AclOperation::describe, AclResource::cluster},
    Right{"GET", "/v1/overview", AclOperation::describe, AclResource::cluster},
    Right{"GET", "/v1/overview/stream", AclOperation::describe, AclResource::cluster},
    Right{"GET", "/v1/users", AclOperation::describe, AclResource::cluster},
    Right{"GET", "/v1/acls", AclOperation::describe, AclResource::cluster},
    Right{"GET", "/metrics", AclOperation::describe, AclResource::cluster},
    Right{"GET", "/v1/openapi.json", AclOperation::any, AclResource::any},
};

}  // namespace

std::optional<Right> right_for(const Route& route) {
  if (route.admission == Admission::open) return std::nullopt;
  const auto* found = std::ranges::find_if(
      rights, [&](const Right& r) { return r.method == route.method && r.pattern == route.pattern; });
  if (found == rights.end()) return Right{{}, {}, AclOperation::alter, AclResource::cluster};
  return found->operation == AclOperation::any ? std::nullopt : std::optional(*found);
}

std::string resource_of(const Right& right, const RouteTable::Match& match) {
  if (right.name.empty()) return std::string(broker::cluster_resource);
  auto found = std::ranges::find(match.names, right.name, [](const auto& name) { return name.first; });
  return found == match.names.end() ? "" : found->second;
}

}  // namespace pabal::doors
