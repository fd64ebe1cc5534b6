#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Life of a consumer group's member.
namespace pabal::kafka {

constexpr Api find_coordinator_api{.key = ApiKey::find_coordinator,
                                   .name = "FindCoordinator",
                                   .first = ApiVersion(0),
                                   .last = ApiVersion(6),
                                   .first_flexible = ApiVersion(3)};

struct FindCoordinatorRequest {
  static constexpr const Api& api = find_coordinator_api;
  static constexpr bool is_request = true;

  std::string key = {};
  CoordinatorType key_type = {};
  std::vector<std::string> coordinator_keys = {};

  static void describe(auto& visit) {
    visit("key", &FindCoordinatorRequest::key, always.until(3));
    visit("key_type", &FindCoordinatorRequest::key_type, since(1));
    visit("coordinator_keys", &FindCoordinatorRequest::coordinator_keys, since(4));
  }
  friend bool operator==(const FindCoordinatorRequest&, const FindCoordinatorRequest&) = default;
};

struct FindCoordinatorResponse {
  static constexpr const Api& api = find_coordinator_api;
  static constexpr bool is_request = false;

  struct Coordinator {
    std::string key = {};
    BrokerId node_id = {};
    std::string host = {};
    int32_t port = 0;
    KafkaError error_code = {};
    std::optional<std::string> error_message = std::string();

    static void describe(auto& visit) {
      visit("key", &Coordinator::key, since(4));
      visit("node_id", &Coordinator::node_id, since(4));
      visit("host", &Coordinator::host, since(4));
      visit("port", &Coordinator::port, since(4));
      visit("error_code", &Coordinator::error_code, since(4));
      visit("error_message", &Coordinator::error_message, since(4).null_since(4).ignorable());
    }
    friend bool operator==(const Coordinator&, const Coordinator&) = default;
  };

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  std::optional<std::string> error_message = std::string();
  BrokerId node_id = {};
  std::string host = {};
  int32_t port = 0;
  std::vector<Coordinator> coordinators = {};

  static void describe(auto& visit) {
    visit("throttle_time", &FindCoordinatorResponse::throttle_time, since(1).ignorable());
    visit("error_code", &FindCoordinatorResponse::error_code, always.until(3));
    visit("error_message", &FindCoordinatorResponse::error_message,
          since(1).until(3).null_since(1).ignorable());
    visit("node_id", &FindCoordinatorResponse::node_id, always.until(3));
    visit("host", &FindCoordinatorResponse::host, always.until(3));
    visit("port", &FindCoordinatorResponse::port, always.until(3));
    visit("coordinators", &FindCoordinatorResponse::coordinators, since(4));
  }
  friend bool operator==(const FindCoordinatorResponse&, const FindCoordinatorResponse&) = default;
};

constexpr Api join_group_api{.key = ApiKey::join_group,
                             .name = "JoinGroup",
                             .first = ApiVersion(0),
                             .last = ApiVersion(9),
                             .first_flexible = ApiVersion(6)};

struct JoinGroupRequest {
  static constexpr const Api& api = join_group_api;
  static constexpr bool is_request = true;

  struct Protocol {
    std::string name = {};
    Bytes metadata = {};

    static void describe(auto& visit) {
      visit("name", &Protocol::name, always);
      visit("metadata", &Protocol::metadata, always);
    }
    friend bool operator==(const Protocol&, const Protocol&) = default;
  };

  std::string group_id = {};
  Milliseconds session_timeout = {};
  Milliseconds rebalance_timeout = Milliseconds(-1);
  std::string member_id = {};
  std::optional<std::string> group_instance_id = {};
  std::string protocol_type = {};
  std::vector<Protocol> protocols = {};
  std::optional<std::string> reason = {};

  static void describe(auto& visit) {
    visit("group_id", &JoinGroupRequest::group_id, always);
    visit("session_timeout", &JoinGroupRequest::session_timeout, always);
    visit("rebalance_timeout", &JoinGroupRequest::rebalance_timeout, since(1).ignorable());
    visit("member_id", &JoinGroupRequest::member_id, always);
    visit("group_instance_id", &JoinGroupRequest::group_instance_id, since(5).null_since(5));
    visit("protocol_type", &JoinGroupRequest::protocol_type, always);
    visit("protocols", &JoinGroupRequest::protocols, always);
    visit("reason", &JoinGroupRequest::reason, since(8).null_since(8).ignorable());
  }
  friend bool operator==(const JoinGroupRequest&, const JoinGroupRequest&) = default;
};

struct JoinGroupResponse {
  static constexpr const Api& api = join_group_api;
  static constexpr bool is_request = false;

  struct Member {
    std::string member_id = {};
    std::optional<std::string> group_instance_id = {};
    Bytes metadata = {};

    static void describe(auto& visit) {
      visit("member_id", &Member::member_id, always);
      visit("group_instance_id", &Member::group_instance_id, since(5).null_since(5).ignorable());
      visit("metadata", &Member::metadata, always);
    }
    friend bool operator==(const Member&, const Member&) = default;
  };

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  Generation generation_id = Generation(-1);
  std::optional<std::string> protocol_type = {};
  std::optional<std::string> protocol_name = std::string();
  std::string leader = {};
  bool skip_assignment = false;
  std::string member_id = {};
  std::vector<Member> members = {};

  static void describe(auto& visit) {
    visit("throttle_time", &JoinGroupResponse::throttle_time, since(2).ignorable());
    visit("error_code", &JoinGroupResponse::error_code, always);
    visit("generation_id", &JoinGroupResponse::generation_id, always);
    visit("protocol_type", &JoinGroupResponse::protocol_type, since(7).null_since(7).ignorable());
    visit("protocol_name", &JoinGroupResponse::protocol_name, always.null_since(7));
    visit("leader", &JoinGroupResponse::leader, always);
    visit("skip_assignment", &JoinGroupResponse::skip_assignment, since(9));
    visit("member_id", &JoinGroupResponse::member_id, always);
    visit("members", &JoinGroupResponse::members, always);
  }
  friend bool operator==(const JoinGroupResponse&, const JoinGroupResponse&) = default;
};

constexpr Api sync_group_api{.key = ApiKey::sync_group,
                             .name = "SyncGroup",
                             .first = ApiVersion(0),
                             .last = ApiVersion(5),
                             .first_flexible = ApiVersion(4)};

struct SyncGroupRequest {
  static constexpr const Api& api = sync_group_api;
  static constexpr bool is_request = true;

  struct Assignment {
    std::string member_id = {};
    Bytes assignment = {};

    static void describe(auto& visit) {
      visit("member_id", &Assignment::member_id, always);
      visit("assignment", &Assignment::assignment, always);
    }
    friend bool operator==(const Assignment&, const Assignment&) = default;
  };

  std::string group_id = {};
  Generation generation_id = {};
  std::string member_id = {};
  std::optional<std::string> group_instance_id = {};
  std::optional<std::string> protocol_type = {};
  std::optional<std::string> protocol_name = {};
  std::vector<Assignment> assignments = {};

  static void describe(auto& visit) {
    visit("group_id", &SyncGroupRequest::group_id, always);
    visit("generation_id", &SyncGroupRequest::generation_id, always);
    visit("member_id", &SyncGroupRequest::member_id, always);
    visit("group_instance_id", &SyncGroupRequest::group_instance_id, since(3).null_since(3));
    visit("protocol_type", &SyncGroupRequest::protocol_type, since(5).null_since(5).ignorable());
    visit("protocol_name", &SyncGroupRequest::protocol_name, since(5).null_since(5).ignorable());
    visit("assignments", &SyncGroupRequest::assignments, always);
  }
  friend bool operator==(const SyncGroupRequest&, const SyncGroupRequest&) = default;
};

struct SyncGroupResponse {
  static constexpr const Api& api = sync_group_api;
  static constexpr bool is_request = false;

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  std::optional<std::string> protocol_type = {};
  std::optional<std::string> protocol_name = {};
  Bytes assignment = {};

  static void describe(auto& visit) {
    visit("throttle_time", &SyncGroupResponse::throttle_time, since(1).ignorable());
    visit("error_code", &SyncGroupResponse::error_code, always);
    visit("protocol_type", &SyncGroupResponse::protocol_type, since(5).null_since(5).ignorable());
    visit("protocol_name", &SyncGroupResponse::protocol_name, since(5).null_since(5).ignorable());
    visit("assignment", &SyncGroupResponse::assignment, always);
  }
  friend bool operator==(const SyncGroupResponse&, const SyncGroupResponse&) = default;
};

constexpr Api heartbeat_api{.key = ApiKey::heartbeat,
                            .name = "Heartbeat",
                            .first = ApiVersion(0),
                            .last = ApiVersion(4),
                            .first_flexible = ApiVersion(4)};

struct HeartbeatRequest {
  static constexpr const Api& api = heartbeat_api;
  static constexpr bool is_request = true;

  std::string group_id = {};
  Generation generation_id = {};
  std::string member_id = {};
  std::optional<std::string> group_instance_id = {};

  static void describe(auto& visit) {
    visit("group_id", &HeartbeatRequest::group_id, always);
    visit("generation_id", &HeartbeatRequest::generation_id, always);
    visit("member_id", &HeartbeatRequest::member_id, always);
    visit("group_instance_id", &HeartbeatRequest::group_instance_id, since(3).null_since(3));
  }
  friend bool operator==(const HeartbeatRequest&, const HeartbeatRequest&) = default;
};

struct HeartbeatResponse {
  static constexpr const Api& api = heartbeat_api;
  static constexpr bool is_request = false;

  Milliseconds throttle_time = {};
  KafkaError error_code = {};

  static void describe(auto& visit) {
    visit("throttle_time", &HeartbeatResponse::throttle_time, since(1).ignorable());
    visit("error_code", &HeartbeatResponse::error_code, always);
  }
  friend bool operator==(const HeartbeatResponse&, const HeartbeatResponse&) = default;
};

constexpr Api leave_group_api{.key = ApiKey::leave_group,
                              .name = "LeaveGroup",
                              .first = ApiVersion(0),
                              .last = ApiVersion(5),
                              .first_flexible = ApiVersion(4)};

struct LeaveGroupRequest {
  static constexpr const Api& api = leave_group_api;
  static constexpr bool is_request = true;

  struct MemberIdentity {
    std::string member_id = {};
    std::optional<std::string> group_instance_id = {};
    std::optional<std::string> reason = {};

    static void describe(auto& visit) {
      visit("member_id", &MemberIdentity::member_id, since(3));
      visit("group_instance_id", &MemberIdentity::group_instance_id, since(3).null_since(3));
      visit("reason", &MemberIdentity::reason, since(5).null_since(5).ignorable());
    }
    friend bool operator==(const MemberIdentity&, const MemberIdentity&) = default;
  };

  std::string group_id = {};
  std::string member_id = {};
  std::vector<MemberIdentity> members = {};

  static void describe(auto& visit) {
    visit("group_id", &LeaveGroupRequest::group_id, always);
    visit("member_id", &LeaveGroupRequest::member_id, always.until(2));
    visit("members", &LeaveGroupRequest::members, since(3));
  }
  friend bool operator==(const LeaveGroupRequest&, const LeaveGroupRequest&) = default;
};

struct LeaveGroupResponse {
  static constexpr const Api& api = leave_group_api;
  static constexpr bool is_request = false;

  struct Member {
    std::string member_id = {};
    std::optional<std::string> group_instance_id = std::string();
    KafkaError error_code = {};

    static void describe(auto& visit) {
      visit("member_id", &Member::member_id, since(3));
      visit("group_instance_id", &Member::group_instance_id, since(3).null_since(3));
      visit("error_code", &Member::error_code, since(3));
    }
    friend bool operator==(const Member&, const Member&) = default;
  };

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  std::vector<Member> members = {};

  static void describe(auto& visit) {
    visit("throttle_time", &LeaveGroupResponse::throttle_time, since(1).ignorable());
    visit("error_code", &LeaveGroupResponse::error_code, always);
    visit("members", &LeaveGroupResponse::members, since(3));
  }
  friend bool operator==(const LeaveGroupResponse&, const LeaveGroupResponse&) = default;
};

}  // namespace pabal::kafka
