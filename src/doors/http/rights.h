#pragma once

#include <optional>
#include <string>

#include "broker/acl.h"
#include "doors/http/route.h"

namespace pabal::doors {

// What a user needs for a call of the HTTP API: the same rules of access as at the Kafka door. A queue counts
// as the group of its name.
struct Right {
  std::string_view method;
  std::string_view pattern;
  broker::AclOperation operation;
  broker::AclResource resource;
  std::string_view name = {};  // of the path's part that names the resource; empty: the cluster
};

// Changing the server itself, for every call that the table does not name; nullopt for what is open to every
// user.
[[nodiscard]] std::optional<Right> right_for(const Route& route);
[[nodiscard]] std::string resource_of(const Right& right, const RouteTable::Match& match);

}  // namespace pabal::doors
