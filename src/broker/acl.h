#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "protocol/kafka/types.h"

// Who may do what, by Kafka's rules, for every door.
namespace pabal::broker {

using kafka::AclOperation;
using kafka::AclPattern;
using kafka::AclPermission;
using kafka::AclResource;

constexpr size_t acls_max = 10'000;
constexpr size_t acl_name_bytes_max = 512;
// The cluster is the one resource of its kind.
constexpr std::string_view cluster_resource = "kafka-cluster";
constexpr std::string_view any_name = "*";

// One rule: the principal may, or may not, do this to that, when it calls from there.
struct Acl {
  AclResource resource = AclResource::topic;
  std::string name = {};  // of the resource; "*" is every one, when the pattern is literal
  AclPattern pattern = AclPattern::literal;
  std::string principal = {};  // "User:shipping", "User:*"
  std::string host = std::string(any_name);
  AclOperation operation = AclOperation::read;
  AclPermission permission = AclPermission::allow;

  // The key of the rule in its table; a rule is all key.
  [[nodiscard]] std::string encode() const;
  static Result<Acl> decode(std::string_view text);

  friend auto operator<=>(const Acl&, const Acl&) = default;
};

// invalid, with what would be right, for a rule that means nothing.
[[nodiscard]] Result<void> check_acl(const Acl& acl);

// What is nullopt or `any` fits every rule. The pattern `match` finds all rules that count for the name.
struct AclFilter {
  AclResource resource = AclResource::any;
  std::optional<std::string> name = {};
  AclPattern pattern = AclPattern::any;
  std::optional<std::string> principal = {};
  std::optional<std::string> host = {};
  AclOperation operation = AclOperation::any;
  AclPermission permission = AclPermission::any;

  [[nodiscard]] bool fits(const Acl& acl) const;
};

// One question: may `user`, calling from `host`, do this?
struct Access {
  std::string_view user;
  std::string_view host;
  AclOperation operation;
  AclResource resource;
};

// All rules, by principal. A denial counts more than any permission; without a permission it is no.
class Acls {
 public:
  void add(Acl acl);
  void remove(const Acl& acl);

  [[nodiscard]] bool allow(const Access& access, std::string_view name) const;
  // Whether it may do so to any resource of that kind at all.
  [[nodiscard]] bool allow_any(const Access& access) const;
  [[nodiscard]] std::vector<Acl> find(const AclFilter& filter) const;  // in order
  [[nodiscard]] size_t size() const { return count_; }

 private:
  template <class Fits>
  [[nodiscard]] bool has(const Access& access, AclPermission permission, Fits fits) const;

  std::map<std::string, std::vector<Acl>, std::less<>> by_principal_;
  size_t count_ = 0;
};

// "topic", "describe_configs", …: how HTTP, the command line and the table say it.
[[nodiscard]] std::string_view name_of(AclResource resource);
[[nodiscard]] std::string_view name_of(AclPattern pattern);
[[nodiscard]] std::string_view name_of(AclOperation operation);
[[nodiscard]] std::string_view name_of(AclPermission permission);
[[nodiscard]] std::optional<AclResource> acl_resource(std::string_view word);
[[nodiscard]] std::optional<AclPattern> acl_pattern(std::string_view word);
[[nodiscard]] std::optional<AclOperation> acl_operation(std::string_view word);
[[nodiscard]] std::optional<AclPermission> acl_permission(std::string_view word);

}  // namespace pabal::broker
