#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Committed offsets of consumer groups.
namespace pabal::kafka {

constexpr Api offset_commit_api{.key = ApiKey::offset_commit,
                                .name = "OffsetCommit",
                                .first = ApiVersion(2),
                                .last = ApiVersion(10),
                                .first_flexible = ApiVersion(8)};

struct OffsetCommitRequest {
  static constexpr const Api& api = offset_commit_api;
  static constexpr bool is_request = true;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index = {};
      Offset committed_offset = {};
      LeaderEpoch committed_leader_epoch = LeaderEpoch(-1);
      std::optional<std::string> committed_metadata = std::string();

      static void describe(auto& visit) {
        visit("partition_index", &Partition::partition_index, always);
        visit("committed_offset", &Partition::committed_offset, always);
        visit("committed_leader_epoch", &Partition::committed_leader_epoch, since(6).ignorable());
        visit("committed_metadata", &Partition::committed_metadata, always.null_since(0));
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string name = {};
    TopicId topic_id = {};
    std::vector<Partition> partitions = {};

    static void describe(auto& visit) {
      visit("name", &Topic::name, always.until(9).ignorable());
      visit("topic_id", &Topic::topic_id, since(10).ignorable());
      visit("partitions", &Topic::partitions, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string group_id = {};
  Generation generation_id_or_member_epoch = Generation(-1);
  std::string member_id = {};
  std::optional<std::string> group_instance_id = {};
  LongMilliseconds retention_time = LongMilliseconds(-1);
  std::vector<Topic> topics = {};

  static void describe(auto& visit) {
    visit("group_id", &OffsetCommitRequest::group_id, always);
    visit("generation_id_or_member_epoch", &OffsetCommitRequest::generation_id_or_member_epoch,
          always.ignorable());
    visit("member_id", &OffsetCommitRequest::member_id, always.ignorable());
    visit("group_instance_id", &OffsetCommitRequest::group_instance_id, since(7).null_since(7));
    visit("retention_time", &OffsetCommitRequest::retention_time, always.until(4).ignorable());
    visit("topics", &OffsetCommitRequest::topics, always);
  }
  friend bool operator==(const OffsetCommitRequest&, const OffsetCommitRequest&) = default;
};

struct OffsetCommitResponse {
  static constexpr const Api& api = offset_commit_api;
  static constexpr bool is_request = false;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index = {};
      KafkaError error_code = {};

      static void describe(auto& visit) {
        visit("partition_index", &Partition::partition_index, always);
        visit("error_code", &Partition::error_code, always);
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string name = {};
    TopicId topic_id = {};
    std::vector<Partition> partitions = {};

    static void describe(auto& visit) {
      visit("name", &Topic::name, always.until(9).ignorable());
      visit("topic_id", &Topic::topic_id, since(10).ignorable());
      visit("partitions", &Topic::partitions, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<Topic> topics = {};

  static void describe(auto& visit) {
    visit("throttle_time", &OffsetCommitResponse::throttle_time, since(3).ignorable());
    visit("topics", &OffsetCommitResponse::topics, always);
  }
  friend bool operator==(const OffsetCommitResponse&, const OffsetCommitResponse&) = default;
};

constexpr Api offset_fetch_api{.key = ApiKey::offset_fetch,
                               .name = "OffsetFetch",
                               .first = ApiVersion(1),
                               .last = ApiVersion(10),
                               .first_flexible = ApiVersion(6)};

struct OffsetFetchRequest {
  static constexpr const Api& api = offset_fetch_api;
  static constexpr bool is_request = true;

  struct Topic {
    std::string name = {};
    std::vector<PartitionIndex> partition_indexes = {};

    static void describe(auto& visit) {
      visit("name", &Topic::name, always.until(7));
      visit("partition_indexes", &Topic::partition_indexes, always.until(7));
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };
  struct Group {
    struct Topic {
      std::string name = {};
      TopicId topic_id = {};
      std::vector<PartitionIndex> partition_indexes = {};

      static void describe(auto& visit) {
        visit("name", &Topic::name, since(8).until(9).ignorable());
        visit("topic_id", &Topic::topic_id, since(10).ignorable());
        visit("partition_indexes", &Topic::partition_indexes, since(8));
      }
      friend bool operator==(const Topic&, const Topic&) = default;
    };

    std::string group_id = {};
    std::optional<std::string> member_id = {};
    Generation member_epoch = Generation(-1);
    std::optional<std::vector<Topic>> topics = std::vector<Topic>();

    static void describe(auto& visit) {
      visit("group_id", &Group::group_id, since(8));
      visit("member_id", &Group::member_id, since(9).null_since(9).ignorable());
      visit("member_epoch", &Group::member_epoch, since(9).ignorable());
      visit("topics", &Group::topics, since(8).null_since(8));
    }
    friend bool operator==(const Group&, const Group&) = default;
  };

  std::string group_id = {};
  std::optional<std::vector<Topic>> topics = std::vector<Topic>();
  std::vector<Group> groups = {};
  bool require_stable = false;

  static void describe(auto& visit) {
    visit("group_id", &OffsetFetchRequest::group_id, always.until(7));
    visit("topics", &OffsetFetchRequest::topics, always.until(7).null_since(2));
    visit("groups", &OffsetFetchRequest::groups, since(8));
    visit("require_stable", &OffsetFetchRequest::require_stable, since(7));
  }
  friend bool operator==(const OffsetFetchRequest&, const OffsetFetchRequest&) = default;
};

struct OffsetFetchResponse {
  static constexpr const Api& api = offset_fetch_api;
  static constexpr bool is_request = false;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index = {};
      Offset committed_offset = {};
      LeaderEpoch committed_leader_epoch = LeaderEpoch(-1);
      std::optional<std::string> metadata = std::string();
      KafkaError error_code = {};

      static void describe(auto& visit) {
        visit("partition_index", &Partition::partition_index, always.until(7));
        visit("committed_offset", &Partition::committed_offset, always.until(7));
        visit("committed_leader_epoch", &Partition::committed_leader_epoch, since(5).until(7).ignorable());
        visit("metadata", &Partition::metadata, always.until(7).null_since(0));
        visit("error_code", &Partition::error_code, always.until(7));
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string name = {};
    std::vector<Partition> partitions = {};

    static void describe(auto& visit) {
      visit("name", &Topic::name, always.until(7));
      visit("partitions", &Topic::partitions, always.until(7));
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };
  struct Group {
    struct Topic {
      struct Partition {
        PartitionIndex partition_index = {};
        Offset committed_offset = {};
        LeaderEpoch committed_leader_epoch = LeaderEpoch(-1);
        std::optional<std::string> metadata = std::string();
        KafkaError error_code = {};

        static void describe(auto& visit) {
          visit("partition_index", &Partition::partition_index, since(8));
          visit("committed_offset", &Partition::committed_offset, since(8));
          visit("committed_leader_epoch", &Partition::committed_leader_epoch, since(8).ignorable());
          visit("metadata", &Partition::metadata, since(8).null_since(8));
          visit("error_code", &Partition::error_code, since(8));
        }
        friend bool operator==(const Partition&, const Partition&) = default;
      };

      std::string name = {};
      TopicId topic_id = {};
      std::vector<Partition> partitions = {};

      static void describe(auto& visit) {
        visit("name", &Topic::name, since(8).until(9).ignorable());
        visit("topic_id", &Topic::topic_id, since(10).ignorable());
        visit("partitions", &Topic::partitions, since(8));
      }
      friend bool operator==(const Topic&, const Topic&) = default;
    };

    std::string group_id = {};
    std::vector<Topic> topics = {};
    KafkaError error_code = {};

    static void describe(auto& visit) {
      visit("group_id", &Group::group_id, since(8));
      visit("topics", &Group::topics, since(8));
      visit("error_code", &Group::error_code, since(8));
    }
    friend bool operator==(const Group&, const Group&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<Topic> topics = {};
  KafkaError error_code = {};
  std::vector<Group> groups = {};

  static void describe(auto& visit) {
    visit("throttle_time", &OffsetFetchResponse::throttle_time, since(3).ignorable());
    visit("topics", &OffsetFetchResponse::topics, always.until(7));
    visit("error_code", &OffsetFetchResponse::error_code, since(2).until(7).ignorable());
    visit("groups", &OffsetFetchResponse::groups, since(8));
  }
  friend bool operator==(const OffsetFetchResponse&, const OffsetFetchResponse&) = default;
};

constexpr Api offset_delete_api{
    .key = ApiKey::offset_delete, .name = "OffsetDelete", .first = ApiVersion(0), .last = ApiVersion(0)};

struct OffsetDeleteRequest {
  static constexpr const Api& api = offset_delete_api;
  static constexpr bool is_request = true;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index = {};

      static void describe(auto& visit) { visit("partition_index", &Partition::partition_index, always); }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string name = {};
    std::vector<Partition> partitions = {};

    static void describe(auto& visit) {
      visit("name", &Topic::name, always);
      visit("partitions", &Topic::partitions, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::string group_id = {};
  std::vector<Topic> topics = {};

  static void describe(auto& visit) {
    visit("group_id", &OffsetDeleteRequest::group_id, always);
    visit("topics", &OffsetDeleteRequest::topics, always);
  }
  friend bool operator==(const OffsetDeleteRequest&, const OffsetDeleteRequest&) = default;
};

struct OffsetDeleteResponse {
  static constexpr const Api& api = offset_delete_api;
  static constexpr bool is_request = false;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index = {};
      KafkaError error_code = {};

      static void describe(auto& visit) {
        visit("partition_index", &Partition::partition_index, always);
        visit("error_code", &Partition::error_code, always);
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string name = {};
    std::vector<Partition> partitions = {};

    static void describe(auto& visit) {
      visit("name", &Topic::name, always);
      visit("partitions", &Topic::partitions, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  KafkaError error_code = {};
  Milliseconds throttle_time = {};
  std::vector<Topic> topics = {};

  static void describe(auto& visit) {
    visit("error_code", &OffsetDeleteResponse::error_code, always);
    visit("throttle_time", &OffsetDeleteResponse::throttle_time, always.ignorable());
    visit("topics", &OffsetDeleteResponse::topics, always);
  }
  friend bool operator==(const OffsetDeleteResponse&, const OffsetDeleteResponse&) = default;
};

}  // namespace pabal::kafka
