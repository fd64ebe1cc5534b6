#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Consumer groups seen from outside.
namespace pabal::kafka {

constexpr Api describe_groups_api{.key = ApiKey::describe_groups,
                                  .name = "DescribeGroups",
                                  .first = ApiVersion(0),
                                  .last = ApiVersion(6),
                                  .first_flexible = ApiVersion(5)};

struct DescribeGroupsRequest {
  static constexpr const Api& api = describe_groups_api;
  static constexpr bool is_request = true;

  std::vector<std::string> groups = {};
  bool include_authorized_operations = false;

  static void describe(auto& visit) {
    visit("groups", &DescribeGroupsRequest::groups, always);
    visit("include_authorized_operations", &DescribeGroupsRequest::include_authorized_operations, since(3));
  }
  friend bool operator==(const DescribeGroupsRequest&, const DescribeGroupsRequest&) = default;
};

struct DescribeGroupsResponse {
  static constexpr const Api& api = describe_groups_api;
  static constexpr bool is_request = false;

  struct DescribedGroup {
    struct Member {
      std::string member_id = {};
      std::optional<std::string> group_instance_id = {};
      std::string client_id = {};
      std::string client_host = {};
      Bytes member_metadata = {};
      Bytes member_assignment = {};

      static void describe(auto& visit) {
        visit("member_id", &Member::member_id, always);
        visit("group_instance_id", &Member::group_instance_id, since(4).null_since(4).ignorable());
        visit("client_id", &Member::client_id, always);
        visit("client_host", &Member::client_host, always);
        visit("member_metadata", &Member::member_metadata, always);
        visit("member_assignment", &Member::member_assignment, always);
      }
      friend bool operator==(const Member&, const Member&) = default;
    };

    KafkaError error_code = {};
    std::optional<std::string> error_message = {};
    std::string group_id = {};
    std::string group_state = {};
    std::string protocol_type = {};
    std::string protocol_data = {};
    std::vector<Member> members = {};
    OperationSet authorized_operations = operations_not_asked;

    static void describe(auto& visit) {
      visit("error_code", &DescribedGroup::error_code, always);
      visit("error_message", &DescribedGroup::error_message, since(6).null_since(6));
      visit("group_id", &DescribedGroup::group_id, always);
      visit("group_state", &DescribedGroup::group_state, always);
      visit("protocol_type", &DescribedGroup::protocol_type, always);
      visit("protocol_data", &DescribedGroup::protocol_data, always);
      visit("members", &DescribedGroup::members, always);
      visit("authorized_operations", &DescribedGroup::authorized_operations, since(3));
    }
    friend bool operator==(const DescribedGroup&, const DescribedGroup&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<DescribedGroup> groups = {};

  static void describe(auto& visit) {
    visit("throttle_time", &DescribeGroupsResponse::throttle_time, since(1).ignorable());
    visit("groups", &DescribeGroupsResponse::groups, always);
  }
  friend bool operator==(const DescribeGroupsResponse&, const DescribeGroupsResponse&) = default;
};

constexpr Api list_groups_api{.key = ApiKey::list_groups,
                              .name = "ListGroups",
                              .first = ApiVersion(0),
                              .last = ApiVersion(5),
                              .first_flexible = ApiVersion(3)};

struct ListGroupsRequest {
  static constexpr const Api& api = list_groups_api;
  static constexpr bool is_request = true;

  std::vector<std::string> states_filter = {};
  std::vector<std::string> types_filter = {};

  static void describe(auto& visit) {
    visit("states_filter", &ListGroupsRequest::states_filter, since(4));
    visit("types_filter", &ListGroupsRequest::types_filter, since(5));
  }
  friend bool operator==(const ListGroupsRequest&, const ListGroupsRequest&) = default;
};

struct ListGroupsResponse {
  static constexpr const Api& api = list_groups_api;
  static constexpr bool is_request = false;

  struct ListedGroup {
    std::string group_id = {};
    std::string protocol_type = {};
    std::string group_state = {};
    std::string group_type = {};

    static void describe(auto& visit) {
      visit("group_id", &ListedGroup::group_id, always);
      visit("protocol_type", &ListedGroup::protocol_type, always);
      visit("group_state", &ListedGroup::group_state, since(4).ignorable());
      visit("group_type", &ListedGroup::group_type, since(5).ignorable());
    }
    friend bool operator==(const ListedGroup&, const ListedGroup&) = default;
  };

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  std::vector<ListedGroup> groups = {};

  static void describe(auto& visit) {
    visit("throttle_time", &ListGroupsResponse::throttle_time, since(1).ignorable());
    visit("error_code", &ListGroupsResponse::error_code, always);
    visit("groups", &ListGroupsResponse::groups, always);
  }
  friend bool operator==(const ListGroupsResponse&, const ListGroupsResponse&) = default;
};

constexpr Api delete_groups_api{.key = ApiKey::delete_groups,
                                .name = "DeleteGroups",
                                .first = ApiVersion(0),
                                .last = ApiVersion(2),
                                .first_flexible = ApiVersion(2)};

struct DeleteGroupsRequest {
  static constexpr const Api& api = delete_groups_api;
  static constexpr bool is_request = true;

  std::vector<std::string> groups_names = {};

  static void describe(auto& visit) { visit("groups_names", &DeleteGroupsRequest::groups_names, always); }
  friend bool operator==(const DeleteGroupsRequest&, const DeleteGroupsRequest&) = default;
};

struct DeleteGroupsResponse {
  static constexpr const Api& api = delete_groups_api;
  static constexpr bool is_request = false;

  struct DeletableGroupResult {
    std::string group_id = {};
    KafkaError error_code = {};

    static void describe(auto& visit) {
      visit("group_id", &DeletableGroupResult::group_id, always);
      visit("error_code", &DeletableGroupResult::error_code, always);
    }
    friend bool operator==(const DeletableGroupResult&, const DeletableGroupResult&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<DeletableGroupResult> results = {};

  static void describe(auto& visit) {
    visit("throttle_time", &DeleteGroupsResponse::throttle_time, always);
    visit("results", &DeleteGroupsResponse::results, always);
  }
  friend bool operator==(const DeleteGroupsResponse&, const DeleteGroupsResponse&) = default;
};

}  // namespace pabal::kafka
