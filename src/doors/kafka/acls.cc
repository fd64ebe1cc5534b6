#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"

// The rules of access, as Kafka's tools see and change them.
namespace pabal::doors {
namespace {

using broker::Acl;
using broker::AclFilter;
using kafka::KafkaError;
using Resource = kafka::DescribeAclsResponse::Resource;
using Deleted = kafka::DeleteAclsResponse::FilterResult;

template <class Asked>
AclFilter filter_of(const Asked& asked) {
  return {.resource = asked.resource_type_filter,
          .name = asked.resource_name_filter,
          .pattern = asked.pattern_type_filter,
          .principal = asked.principal_filter,
          .host = asked.host_filter,
          .operation = asked.operation,
          .permission = asked.permission_type};
}

}  // namespace

Answer<kafka::DescribeAclsResponse> describe_acls(KafkaCall& call, kafka::DescribeAclsRequest request) {
  auto state = call.session.access().security->state();
  kafka::DescribeAclsResponse response{.error_message = std::nullopt};
  std::map<std::tuple<broker::AclResource, std::string, broker::AclPattern>, Resource> resources;
  for (const Acl& acl : state->acls.find(filter_of(request))) {
    Resource& out = resources[{acl.resource, acl.name, acl.pattern}];
    out.resource_type = acl.resource;
    out.resource_name = acl.name;
    out.pattern_type = acl.pattern;
    out.acls.push_back({acl.principal, acl.host, acl.operation, acl.permission});
  }
  for (auto& [key, resource] : resources) response.resources.push_back(std::move(resource));
  co_return response;
}

Answer<kafka::CreateAclsResponse> create_acls(KafkaCall& call, kafka::CreateAclsRequest request) {
  kafka::CreateAclsResponse response;
  std::vector<Acl> sound;
  for (const auto& one : request.creations) {
    Acl acl{.resource = one.resource_type,
            .name = one.resource_name,
            .pattern = one.resource_pattern_type,
            .principal = one.principal,
            .host = one.host,
            .operation = one.operation,
            .permission = one.permission_type};
    auto fine = broker::check_acl(acl);
    auto& out = response.results.emplace_back();
    out.error_message = fine ? std::nullopt : std::optional(fine.error().message);
    if (!fine) out.error_code = KafkaError::invalid_request;
    if (fine) sound.push_back(std::move(acl));
  }
  auto done = co_await call.session.access().security->add_acls(std::move(sound));
  if (done) co_return response;
  for (auto& out : response.results) {
    if (out.error_code != KafkaError::none) continue;
    out = {kafka_error_of(done.error().code), done.error().message};
  }
  co_return response;
}

Answer<kafka::DeleteAclsResponse> delete_acls(KafkaCall& call, kafka::DeleteAclsRequest request) {
  kafka::DeleteAclsResponse response;
  for (const auto& filter : request.filters) {
    Deleted& out = response.filter_results.emplace_back();
    auto removed = co_await call.session.access().security->remove_acls(filter_of(filter));
    out.error_message = removed ? std::nullopt : std::optional(removed.error().message);
    if (!removed) out.error_code = kafka_error_of(removed.error().code);
    if (!removed) continue;
    for (const Acl& acl : *removed) {
      out.matching_acls.push_back({.error_message = std::nullopt,
                                   .resource_type = acl.resource,
                                   .resource_name = acl.name,
                                   .pattern_type = acl.pattern,
                                   .principal = acl.principal,
                                   .host = acl.host,
                                   .operation = acl.operation,
                                   .permission_type = acl.permission});
    }
  }
  co_return response;
}

}  // namespace pabal::doors
