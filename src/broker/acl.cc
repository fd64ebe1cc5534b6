#include "broker/acl.h"

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "broker/names.h"

namespace pabal::broker {
namespace {

using Json = nlohmann::json;

template <class T>
struct Word {
  T value;
  std::string_view text;
};

constexpr std::array resources = {
    Word{AclResource::topic, "topic"},     Word{AclResource::group, "group"},
    Word{AclResource::cluster, "cluster"}, Word{AclResource::transactional_id, "transactional_id"},
    Word{AclResource::user, "user"},
};
constexpr std::array patterns = {
    Word{AclPattern::literal, "literal"},
    Word{AclPattern::prefixed, "prefixed"},
};
constexpr std::array permissions = {
    Word{AclPermission::allow, "allow"},
    Word{AclPermission::deny, "deny"},
};
constexpr std::array operations = {
    Word{AclOperation::all, "all"},
    Word{AclOperation::read, "read"},
    Word{AclOperation::write, "write"},
    Word{AclOperation::create, "create"},
    Word{AclOperation::remove, "delete"},
    Word{AclOperation::alter, "alter"},
    Word{AclOperation::describe, "describe"},
    Word{AclOperation::cluster_action, "cluster_action"},
    Word{AclOperation::describe_configs, "describe_configs"},
    Word{AclOperation::alter_configs, "alter_configs"},
    Word{AclOperation::idempotent_write, "idempotent_write"},
};

template <class Words, class T>
std::string_view word_of(const Words& words, T value) {
  auto found = std::ranges::find(words, value, [](const auto& word) { return word.value; });
  return found == words.end() ? std::string_view("unknown") : found->text;
}

template <class T, size_t n>
std::optional<T> value_of(const std::array<Word<T>, n>& words, std::string_view text) {
  auto found = std::ranges::find(words, text, &Word<T>::text);
  return found == words.end() ? std::nullopt : std::optional(found->value);
}

// What a permission for the one gives besides; a denial gives no more than it says.
bool implies(AclOperation given, AclOperation wanted) {
  if (given == wanted || given == AclOperation::all) return true;
  if (wanted == AclOperation::describe) {
    return given == AclOperation::read || given == AclOperation::write || given == AclOperation::remove ||
           given == AclOperation::alter;
  }
  return wanted == AclOperation::describe_configs && given == AclOperation::alter_configs;
}

bool covers(const Acl& acl, std::string_view name) {
  if (acl.pattern == AclPattern::prefixed) return name.starts_with(acl.name);
  return acl.name == any_name || acl.name == name;
}

std::unexpected<Error> wrong(std::string_view field, std::string_view read, std::string_view right) {
  return error(ErrorCode::invalid, "{}: read {:?}; right is {}", field, read, right);
}

bool is_name(std::string_view name) {
  return !name.empty() && name.size() <= acl_name_bytes_max && is_utf8(name);
}

}  // namespace

std::string_view name_of(AclResource resource) { return word_of(resources, resource); }
std::string_view name_of(AclPattern pattern) { return word_of(patterns, pattern); }
std::string_view name_of(AclOperation operation) { return word_of(operations, operation); }
std::string_view name_of(AclPermission permission) { return word_of(permissions, permission); }
std::optional<AclResource> acl_resource(std::string_view word) { return value_of(resources, word); }
std::optional<AclPattern> acl_pattern(std::string_view word) { return value_of(patterns, word); }
std::optional<AclOperation> acl_operation(std::string_view word) { return value_of(operations, word); }
std::optional<AclPermission> acl_permission(std::string_view word) { return value_of(permissions, word); }

std::string Acl::encode() const {
  return Json{name_of(resource),  name, name_of(pattern), principal, host, name_of(operation),
              name_of(permission)}
      .dump();
}

Result<Acl> Acl::decode(std::string_view text) {
  constexpr size_t parts = 7;
  Json json = Json::parse(text, nullptr, false);
  bool sound = json.is_array() && json.size() == parts &&
               std::ranges::all_of(json, [](const Json& part) { return part.is_string(); });
  if (!sound) return error(ErrorCode::corrupt, "{:?} is no rule of access", text.substr(0, 100));
  auto word = [&](size_t at) { return json[at].get<std::string>(); };
  auto resource = acl_resource(word(0));
  auto pattern = acl_pattern(word(2));
  auto operation = acl_operation(word(5));
  auto permission = acl_permission(word(6));
  if (!resource || !pattern || !operation || !permission) {
    return error(ErrorCode::corrupt, "{:?} is no rule of access", text.substr(0, 100));
  }
  return Acl{*resource, word(1), *pattern, word(3), word(4), *operation, *permission};
}

Result<void> check_acl(const Acl& acl) {
  if (name_of(acl.resource) == "unknown") {
    return wrong("resource_type", std::to_string(std::to_underlying(acl.resource)),
                 "topic, group, cluster, transactional_id or user");
  }
  if (name_of(acl.pattern) == "unknown") {
    return wrong("pattern", std::to_string(std::to_underlying(acl.pattern)), "literal or prefixed");
  }
  if (name_of(acl.operation) == "unknown") {
    return wrong("operation", std::to_string(std::to_underlying(acl.operation)), "read, write, …, or all");
  }
  if (name_of(acl.permission) == "unknown") {
    return wrong("permission", std::to_string(std::to_underlying(acl.permission)), "allow or deny");
  }
  if (!is_name(acl.name)) return wrong("resource", acl.name, "a name of at most 512 bytes");
  if (acl.resource == AclResource::cluster && acl.name != cluster_resource) {
    return wrong("resource", acl.name, "kafka-cluster, the only one");
  }
  bool user = acl.principal.starts_with("User:") && acl.principal.size() > 5 && is_name(acl.principal);
  if (!user) return wrong("principal", acl.principal, "User:NAME, or User:* for everybody");
  if (!is_name(acl.host)) return wrong("host", acl.host, "an IP address, or * for every one");
  return {};
}

bool AclFilter::fits(const Acl& acl) const {
  auto same = [](const std::optional<std::string>& asked, const std::string& is) {
    return !asked || *asked == is;
  };
  bool rest = (resource == AclResource::any || resource == acl.resource) && same(principal, acl.principal) &&
              same(host, acl.host) && (operation == AclOperation::any || operation == acl.operation) &&
              (permission == AclPermission::any || permission == acl.permission);
  if (!rest) return false;
  if (pattern == AclPattern::match) return !name || covers(acl, *name);
  return (pattern == AclPattern::any || pattern == acl.pattern) && same(name, acl.name);
}

void Acls::add(Acl acl) {
  auto& list = by_principal_[acl.principal];
  auto at = std::ranges::lower_bound(list, acl);
  if (at != list.end() && *at == acl) return;
  list.insert(at, std::move(acl));
  ++count_;
}

void Acls::remove(const Acl& acl) {
  auto found = by_principal_.find(acl.principal);
  if (found == by_principal_.end()) return;
  count_ -= std::erase(found->second, acl);
  if (found->second.empty()) by_principal_.erase(found);
}

template <class Fits>
bool Acls::has(const Access& access, AclPermission permission, Fits fits) const {
  for (std::string_view user : {access.user, any_name}) {
    auto rules = by_principal_.find(fmt::format("User:{}", user));
    if (rules == by_principal_.end()) continue;
    for (const Acl& acl : rules->second) {
      bool operation = permission == AclPermission::allow
                           ? implies(acl.operation, access.operation)
                           : acl.operation == access.operation || acl.operation == AclOperation::all;
      if (acl.permission == permission && acl.resource == access.resource && operation &&
          (acl.host == any_name || acl.host == access.host) && fits(acl)) {
        return true;
      }
    }
  }
  return false;
}

bool Acls::allow(const Access& access, std::string_view name) const {
  auto named = [&](const Acl& acl) { return covers(acl, name); };
  return !has(access, AclPermission::deny, named) && has(access, AclPermission::allow, named);
}

bool Acls::allow_any(const Access& access) const {
  return has(access, AclPermission::allow, [&](const Acl& given) {
    return !has(access, AclPermission::deny, [&](const Acl& denied) {
      if (denied.pattern == AclPattern::literal && denied.name == any_name) return true;
      bool wider = given.name != any_name && covers(denied, given.name);
      return wider && (denied.pattern == AclPattern::prefixed || given.pattern == AclPattern::literal);
    });
  });
}

std::vector<Acl> Acls::find(const AclFilter& filter) const {
  std::vector<Acl> found;
  for (const auto& [principal, list] : by_principal_) {
    std::ranges::copy_if(list, std::back_inserter(found), [&](const Acl& acl) { return filter.fits(acl); });
  }
  return found;
}

}  // namespace pabal::broker
