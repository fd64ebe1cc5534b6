#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Topics made, grown, cut and removed.
namespace pabal::kafka {

constexpr Api create_topics_api{.key = ApiKey::create_topics,
                                .name = "CreateTopics",
                                .first = ApiVersion(2),
                                .last = ApiVersion(7),
                                .first_flexible = ApiVersion(5)};

struct CreateTopicsRequest {
  static constexpr const Api& api = create_topics_api;
  static constexpr bool is_request = true;

  struct CreatableTopic {
    struct CreatableReplicaAssignment {
      PartitionIndex partition_index = {};
      std::vector<BrokerId> broker_ids = {};

      static void describe(auto& visit) {
        visit("partition_index", &CreatableReplicaAssignment::partition_index, always);
        visit("broker_ids", &CreatableReplicaAssignment::broker_ids, always);
      }
      friend bool operator==(const CreatableReplicaAssignment&, const CreatableReplicaAssignment&) = default;
    };
    struct CreatableTopicConfig {
      std::string name = {};
      std::optional<std::string> value = std::string();

      static void describe(auto& visit) {
        visit("name", &CreatableTopicConfig::name, always);
        visit("value", &CreatableTopicConfig::value, always.null_since(0));
      }
      friend bool operator==(const CreatableTopicConfig&, const CreatableTopicConfig&) = default;
    };

    std::string name = {};
    int32_t num_partitions = 0;
    int16_t replication_factor = 0;
    std::vector<CreatableReplicaAssignment> assignments = {};
    std::vector<CreatableTopicConfig> configs = {};

    static void describe(auto& visit) {
      visit("name", &CreatableTopic::name, always);
      visit("num_partitions", &CreatableTopic::num_partitions, always);
      visit("replication_factor", &CreatableTopic::replication_factor, always);
      visit("assignments", &CreatableTopic::assignments, always);
      visit("configs", &CreatableTopic::configs, always);
    }
    friend bool operator==(const CreatableTopic&, const CreatableTopic&) = default;
  };

  std::vector<CreatableTopic> topics = {};
  Milliseconds timeout = Milliseconds(60000);
  bool validate_only = false;

  static void describe(auto& visit) {
    visit("topics", &CreateTopicsRequest::topics, always);
    visit("timeout", &CreateTopicsRequest::timeout, always);
    visit("validate_only", &CreateTopicsRequest::validate_only, always);
  }
  friend bool operator==(const CreateTopicsRequest&, const CreateTopicsRequest&) = default;
};

struct CreateTopicsResponse {
  static constexpr const Api& api = create_topics_api;
  static constexpr bool is_request = false;

  struct CreatableTopicResult {
    struct CreatableTopicConfigs {
      std::string name = {};
      std::optional<std::string> value = std::string();
      bool read_only = false;
      ConfigSource config_source = ConfigSource(-1);
      bool is_sensitive = false;

      static void describe(auto& visit) {
        visit("name", &CreatableTopicConfigs::name, since(5));
        visit("value", &CreatableTopicConfigs::value, since(5).null_since(5));
        visit("read_only", &CreatableTopicConfigs::read_only, since(5));
        visit("config_source", &CreatableTopicConfigs::config_source, since(5).ignorable());
        visit("is_sensitive", &CreatableTopicConfigs::is_sensitive, since(5));
      }
      friend bool operator==(const CreatableTopicConfigs&, const CreatableTopicConfigs&) = default;
    };

    std::string name = {};
    TopicId topic_id = {};
    KafkaError error_code = {};
    std::optional<std::string> error_message = std::string();
    KafkaError topic_config_error_code = {};
    int32_t num_partitions = -1;
    int16_t replication_factor = -1;
    std::optional<std::vector<CreatableTopicConfigs>> configs = std::vector<CreatableTopicConfigs>();

    static void describe(auto& visit) {
      visit("name", &CreatableTopicResult::name, always);
      visit("topic_id", &CreatableTopicResult::topic_id, since(7).ignorable());
      visit("error_code", &CreatableTopicResult::error_code, always);
      visit("error_message", &CreatableTopicResult::error_message, always.null_since(0).ignorable());
      visit("topic_config_error_code", &CreatableTopicResult::topic_config_error_code,
            since(5).tagged(0).ignorable());
      visit("num_partitions", &CreatableTopicResult::num_partitions, since(5).ignorable());
      visit("replication_factor", &CreatableTopicResult::replication_factor, since(5).ignorable());
      visit("configs", &CreatableTopicResult::configs, since(5).null_since(5).ignorable());
    }
    friend bool operator==(const CreatableTopicResult&, const CreatableTopicResult&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<CreatableTopicResult> topics = {};

  static void describe(auto& visit) {
    visit("throttle_time", &CreateTopicsResponse::throttle_time, always.ignorable());
    visit("topics", &CreateTopicsResponse::topics, always);
  }
  friend bool operator==(const CreateTopicsResponse&, const CreateTopicsResponse&) = default;
};

constexpr Api delete_topics_api{.key = ApiKey::delete_topics,
                                .name = "DeleteTopics",
                                .first = ApiVersion(1),
                                .last = ApiVersion(6),
                                .first_flexible = ApiVersion(4)};

struct DeleteTopicsRequest {
  static constexpr const Api& api = delete_topics_api;
  static constexpr bool is_request = true;

  struct State {
    std::optional<std::string> name = {};
    TopicId topic_id = {};

    static void describe(auto& visit) {
      visit("name", &State::name, since(6).null_since(6));
      visit("topic_id", &State::topic_id, since(6));
    }
    friend bool operator==(const State&, const State&) = default;
  };

  std::vector<State> topics = {};
  std::vector<std::string> topic_names = {};
  Milliseconds timeout = {};

  static void describe(auto& visit) {
    visit("topics", &DeleteTopicsRequest::topics, since(6));
    visit("topic_names", &DeleteTopicsRequest::topic_names, always.until(5).ignorable());
    visit("timeout", &DeleteTopicsRequest::timeout, always);
  }
  friend bool operator==(const DeleteTopicsRequest&, const DeleteTopicsRequest&) = default;
};

struct DeleteTopicsResponse {
  static constexpr const Api& api = delete_topics_api;
  static constexpr bool is_request = false;

  struct DeletableTopicResult {
    std::optional<std::string> name = std::string();
    TopicId topic_id = {};
    KafkaError error_code = {};
    std::optional<std::string> error_message = {};

    static void describe(auto& visit) {
      visit("name", &DeletableTopicResult::name, always.null_since(6));
      visit("topic_id", &DeletableTopicResult::topic_id, since(6).ignorable());
      visit("error_code", &DeletableTopicResult::error_code, always);
      visit("error_message", &DeletableTopicResult::error_message, since(5).null_since(5).ignorable());
    }
    friend bool operator==(const DeletableTopicResult&, const DeletableTopicResult&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<DeletableTopicResult> responses = {};

  static void describe(auto& visit) {
    visit("throttle_time", &DeleteTopicsResponse::throttle_time, always.ignorable());
    visit("responses", &DeleteTopicsResponse::responses, always);
  }
  friend bool operator==(const DeleteTopicsResponse&, const DeleteTopicsResponse&) = default;
};

constexpr Api create_partitions_api{.key = ApiKey::create_partitions,
                                    .name = "CreatePartitions",
                                    .first = ApiVersion(0),
                                    .last = ApiVersion(3),
                                    .first_flexible = ApiVersion(2)};

struct CreatePartitionsRequest {
  static constexpr const Api& api = create_partitions_api;
  static constexpr bool is_request = true;

  struct Topic {
    struct Assignment {
      std::vector<BrokerId> broker_ids = {};

      static void describe(auto& visit) { visit("broker_ids", &Assignment::broker_ids, always); }
      friend bool operator==(const Assignment&, const Assignment&) = default;
    };

    std::string name = {};
    int32_t count = 0;
    std::optional<std::vector<Assignment>> assignments = std::vector<Assignment>();

    static void describe(auto& visit) {
      visit("name", &Topic::name, always);
      visit("count", &Topic::count, always);
      visit("assignments", &Topic::assignments, always.null_since(0));
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::vector<Topic> topics = {};
  Milliseconds timeout = {};
  bool validate_only = false;

  static void describe(auto& visit) {
    visit("topics", &CreatePartitionsRequest::topics, always);
    visit("timeout", &CreatePartitionsRequest::timeout, always);
    visit("validate_only", &CreatePartitionsRequest::validate_only, always);
  }
  friend bool operator==(const CreatePartitionsRequest&, const CreatePartitionsRequest&) = default;
};

struct CreatePartitionsResponse {
  static constexpr const Api& api = create_partitions_api;
  static constexpr bool is_request = false;

  struct TopicResult {
    std::string name = {};
    KafkaError error_code = {};
    std::optional<std::string> error_message = {};

    static void describe(auto& visit) {
      visit("name", &TopicResult::name, always);
      visit("error_code", &TopicResult::error_code, always);
      visit("error_message", &TopicResult::error_message, always.null_since(0));
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<TopicResult> results = {};

  static void describe(auto& visit) {
    visit("throttle_time", &CreatePartitionsResponse::throttle_time, always);
    visit("results", &CreatePartitionsResponse::results, always);
  }
  friend bool operator==(const CreatePartitionsResponse&, const CreatePartitionsResponse&) = default;
};

constexpr Api delete_records_api{.key = ApiKey::delete_records,
                                 .name = "DeleteRecords",
                                 .first = ApiVersion(0),
                                 .last = ApiVersion(2),
                                 .first_flexible = ApiVersion(2)};

struct DeleteRecordsRequest {
  static constexpr const Api& api = delete_records_api;
  static constexpr bool is_request = true;

  struct Topic {
    struct Partition {
      PartitionIndex partition_index = {};
      Offset offset = {};

      static void describe(auto& visit) {
        visit("partition_index", &Partition::partition_index, always);
        visit("offset", &Partition::offset, always);
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

  std::vector<Topic> topics = {};
  Milliseconds timeout = {};

  static void describe(auto& visit) {
    visit("topics", &DeleteRecordsRequest::topics, always);
    visit("timeout", &DeleteRecordsRequest::timeout, always);
  }
  friend bool operator==(const DeleteRecordsRequest&, const DeleteRecordsRequest&) = default;
};

struct DeleteRecordsResponse {
  static constexpr const Api& api = delete_records_api;
  static constexpr bool is_request = false;

  struct TopicResult {
    struct PartitionResult {
      PartitionIndex partition_index = {};
      Offset low_watermark = {};
      KafkaError error_code = {};

      static void describe(auto& visit) {
        visit("partition_index", &PartitionResult::partition_index, always);
        visit("low_watermark", &PartitionResult::low_watermark, always);
        visit("error_code", &PartitionResult::error_code, always);
      }
      friend bool operator==(const PartitionResult&, const PartitionResult&) = default;
    };

    std::string name = {};
    std::vector<PartitionResult> partitions = {};

    static void describe(auto& visit) {
      visit("name", &TopicResult::name, always);
      visit("partitions", &TopicResult::partitions, always);
    }
    friend bool operator==(const TopicResult&, const TopicResult&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<TopicResult> topics = {};

  static void describe(auto& visit) {
    visit("throttle_time", &DeleteRecordsResponse::throttle_time, always);
    visit("topics", &DeleteRecordsResponse::topics, always);
  }
  friend bool operator==(const DeleteRecordsResponse&, const DeleteRecordsResponse&) = default;
};

}  // namespace pabal::kafka
