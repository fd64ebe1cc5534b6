#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Who may do what.
namespace pabal::kafka {

constexpr Api describe_acls_api{.key = ApiKey::describe_acls,
                                .name = "DescribeAcls",
                                .first = ApiVersion(1),
                                .last = ApiVersion(3),
                                .first_flexible = ApiVersion(2)};

struct DescribeAclsRequest {
  static constexpr const Api& api = describe_acls_api;
  static constexpr bool is_request = true;

  AclResource resource_type_filter = {};
  std::optional<std::string> resource_name_filter = std::string();
  AclPattern pattern_type_filter = AclPattern::literal;
  std::optional<std::string> principal_filter = std::string();
  std::optional<std::string> host_filter = std::string();
  AclOperation operation = {};
  AclPermission permission_type = {};

  static void describe(auto& visit) {
    visit("resource_type_filter", &DescribeAclsRequest::resource_type_filter, always);
    visit("resource_name_filter", &DescribeAclsRequest::resource_name_filter, always.null_since(0));
    visit("pattern_type_filter", &DescribeAclsRequest::pattern_type_filter, always);
    visit("principal_filter", &DescribeAclsRequest::principal_filter, always.null_since(0));
    visit("host_filter", &DescribeAclsRequest::host_filter, always.null_since(0));
    visit("operation", &DescribeAclsRequest::operation, always);
    visit("permission_type", &DescribeAclsRequest::permission_type, always);
  }
  friend bool operator==(const DescribeAclsRequest&, const DescribeAclsRequest&) = default;
};

struct DescribeAclsResponse {
  static constexpr const Api& api = describe_acls_api;
  static constexpr bool is_request = false;

  struct Resource {
    struct AclDescription {
      std::string principal = {};
      std::string host = {};
      AclOperation operation = {};
      AclPermission permission_type = {};

      static void describe(auto& visit) {
        visit("principal", &AclDescription::principal, always);
        visit("host", &AclDescription::host, always);
        visit("operation", &AclDescription::operation, always);
        visit("permission_type", &AclDescription::permission_type, always);
      }
      friend bool operator==(const AclDescription&, const AclDescription&) = default;
    };

    AclResource resource_type = {};
    std::string resource_name = {};
    AclPattern pattern_type = AclPattern::literal;
    std::vector<AclDescription> acls = {};

    static void describe(auto& visit) {
      visit("resource_type", &Resource::resource_type, always);
      visit("resource_name", &Resource::resource_name, always);
      visit("pattern_type", &Resource::pattern_type, always);
      visit("acls", &Resource::acls, always);
    }
    friend bool operator==(const Resource&, const Resource&) = default;
  };

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  std::optional<std::string> error_message = std::string();
  std::vector<Resource> resources = {};

  static void describe(auto& visit) {
    visit("throttle_time", &DescribeAclsResponse::throttle_time, always);
    visit("error_code", &DescribeAclsResponse::error_code, always);
    visit("error_message", &DescribeAclsResponse::error_message, always.null_since(0));
    visit("resources", &DescribeAclsResponse::resources, always);
  }
  friend bool operator==(const DescribeAclsResponse&, const DescribeAclsResponse&) = default;
};

constexpr Api create_acls_api{.key = ApiKey::create_acls,
                              .name = "CreateAcls",
                              .first = ApiVersion(1),
                              .last = ApiVersion(3),
                              .first_flexible = ApiVersion(2)};

struct CreateAclsRequest {
  static constexpr const Api& api = create_acls_api;
  static constexpr bool is_request = true;

  struct AclCreation {
    AclResource resource_type = {};
    std::string resource_name = {};
    AclPattern resource_pattern_type = AclPattern::literal;
    std::string principal = {};
    std::string host = {};
    AclOperation operation = {};
    AclPermission permission_type = {};

    static void describe(auto& visit) {
      visit("resource_type", &AclCreation::resource_type, always);
      visit("resource_name", &AclCreation::resource_name, always);
      visit("resource_pattern_type", &AclCreation::resource_pattern_type, always);
      visit("principal", &AclCreation::principal, always);
      visit("host", &AclCreation::host, always);
      visit("operation", &AclCreation::operation, always);
      visit("permission_type", &AclCreation::permission_type, always);
    }
    friend bool operator==(const AclCreation&, const AclCreation&) = default;
  };

  std::vector<AclCreation> creations = {};

  static void describe(auto& visit) { visit("creations", &CreateAclsRequest::creations, always); }
  friend bool operator==(const CreateAclsRequest&, const CreateAclsRequest&) = default;
};

struct CreateAclsResponse {
  static constexpr const Api& api = create_acls_api;
  static constexpr bool is_request = false;

  struct AclCreationResult {
    KafkaError error_code = {};
    std::optional<std::string> error_message = std::string();

    static void describe(auto& visit) {
      visit("error_code", &AclCreationResult::error_code, always);
      visit("error_message", &AclCreationResult::error_message, always.null_since(0));
    }
    friend bool operator==(const AclCreationResult&, const AclCreationResult&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<AclCreationResult> results = {};

  static void describe(auto& visit) {
    visit("throttle_time", &CreateAclsResponse::throttle_time, always);
    visit("results", &CreateAclsResponse::results, always);
  }
  friend bool operator==(const CreateAclsResponse&, const CreateAclsResponse&) = default;
};

constexpr Api delete_acls_api{.key = ApiKey::delete_acls,
                              .name = "DeleteAcls",
                              .first = ApiVersion(1),
                              .last = ApiVersion(3),
                              .first_flexible = ApiVersion(2)};

struct DeleteAclsRequest {
  static constexpr const Api& api = delete_acls_api;
  static constexpr bool is_request = true;

  struct Filter {
    AclResource resource_type_filter = {};
    std::optional<std::string> resource_name_filter = std::string();
    AclPattern pattern_type_filter = AclPattern::literal;
    std::optional<std::string> principal_filter = std::string();
    std::optional<std::string> host_filter = std::string();
    AclOperation operation = {};
    AclPermission permission_type = {};

    static void describe(auto& visit) {
      visit("resource_type_filter", &Filter::resource_type_filter, always);
      visit("resource_name_filter", &Filter::resource_name_filter, always.null_since(0));
      visit("pattern_type_filter", &Filter::pattern_type_filter, always);
      visit("principal_filter", &Filter::principal_filter, always.null_since(0));
      visit("host_filter", &Filter::host_filter, always.null_since(0));
      visit("operation", &Filter::operation, always);
      visit("permission_type", &Filter::permission_type, always);
    }
    friend bool operator==(const Filter&, const Filter&) = default;
  };

  std::vector<Filter> filters = {};

  static void describe(auto& visit) { visit("filters", &DeleteAclsRequest::filters, always); }
  friend bool operator==(const DeleteAclsRequest&, const DeleteAclsRequest&) = default;
};

struct DeleteAclsResponse {
  static constexpr const Api& api = delete_acls_api;
  static constexpr bool is_request = false;

  struct FilterResult {
    struct MatchingAcl {
      KafkaError error_code = {};
      std::optional<std::string> error_message = std::string();
      AclResource resource_type = {};
      std::string resource_name = {};
      AclPattern pattern_type = AclPattern::literal;
      std::string principal = {};
      std::string host = {};
      AclOperation operation = {};
      AclPermission permission_type = {};

      static void describe(auto& visit) {
        visit("error_code", &MatchingAcl::error_code, always);
        visit("error_message", &MatchingAcl::error_message, always.null_since(0));
        visit("resource_type", &MatchingAcl::resource_type, always);
        visit("resource_name", &MatchingAcl::resource_name, always);
        visit("pattern_type", &MatchingAcl::pattern_type, always);
        visit("principal", &MatchingAcl::principal, always);
        visit("host", &MatchingAcl::host, always);
        visit("operation", &MatchingAcl::operation, always);
        visit("permission_type", &MatchingAcl::permission_type, always);
      }
      friend bool operator==(const MatchingAcl&, const MatchingAcl&) = default;
    };

    KafkaError error_code = {};
    std::optional<std::string> error_message = std::string();
    std::vector<MatchingAcl> matching_acls = {};

    static void describe(auto& visit) {
      visit("error_code", &FilterResult::error_code, always);
      visit("error_message", &FilterResult::error_message, always.null_since(0));
      visit("matching_acls", &FilterResult::matching_acls, always);
    }
    friend bool operator==(const FilterResult&, const FilterResult&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<FilterResult> filter_results = {};

  static void describe(auto& visit) {
    visit("throttle_time", &DeleteAclsResponse::throttle_time, always);
    visit("filter_results", &DeleteAclsResponse::filter_results, always);
  }
  friend bool operator==(const DeleteAclsResponse&, const DeleteAclsResponse&) = default;
};

}  // namespace pabal::kafka
