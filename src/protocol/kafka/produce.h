#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Records on their way in.
namespace pabal::kafka {

constexpr Api produce_api{.key = ApiKey::produce,
                          .name = "Produce",
                          .first = ApiVersion(3),
                          .last = ApiVersion(13),
                          .first_flexible = ApiVersion(9)};

struct ProduceRequest {
  static constexpr const Api& api = produce_api;
  static constexpr bool is_request = true;

  struct Topic {
    struct Partition {
      PartitionIndex index = {};
      std::optional<Records> records = Records();

      static void describe(auto& visit) {
        visit("index", &Partition::index, always);
        visit("records", &Partition::records, always.null_since(0));
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string name = {};
    TopicId topic_id = {};
    std::vector<Partition> partition_data = {};

    static void describe(auto& visit) {
      visit("name", &Topic::name, always.until(12).ignorable());
      visit("topic_id", &Topic::topic_id, since(13).ignorable());
      visit("partition_data", &Topic::partition_data, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };

  std::optional<std::string> transactional_id = {};
  Acks acks = {};
  Milliseconds timeout = {};
  std::vector<Topic> topic_data = {};

  static void describe(auto& visit) {
    visit("transactional_id", &ProduceRequest::transactional_id, always.null_since(3));
    visit("acks", &ProduceRequest::acks, always);
    visit("timeout", &ProduceRequest::timeout, always);
    visit("topic_data", &ProduceRequest::topic_data, always);
  }
  friend bool operator==(const ProduceRequest&, const ProduceRequest&) = default;
};

struct ProduceResponse {
  static constexpr const Api& api = produce_api;
  static constexpr bool is_request = false;

  struct Topic {
    struct Partition {
      struct RecordProblem {
        int32_t batch_index = 0;
        std::optional<std::string> batch_index_error_message = {};

        static void describe(auto& visit) {
          visit("batch_index", &RecordProblem::batch_index, since(8));
          visit("batch_index_error_message", &RecordProblem::batch_index_error_message,
                since(8).null_since(8));
        }
        friend bool operator==(const RecordProblem&, const RecordProblem&) = default;
      };
      struct LeaderIdAndEpoch {
        BrokerId leader_id = BrokerId(-1);
        LeaderEpoch leader_epoch = LeaderEpoch(-1);

        static void describe(auto& visit) {
          visit("leader_id", &LeaderIdAndEpoch::leader_id, since(10));
          visit("leader_epoch", &LeaderIdAndEpoch::leader_epoch, since(10));
        }
        friend bool operator==(const LeaderIdAndEpoch&, const LeaderIdAndEpoch&) = default;
      };

      PartitionIndex index = {};
      KafkaError error_code = {};
      Offset base_offset = {};
      Timestamp log_append_time = no_timestamp;
      Offset log_start_offset = Offset(-1);
      std::vector<RecordProblem> record_errors = {};
      std::optional<std::string> error_message = {};
      LeaderIdAndEpoch current_leader = {};

      static void describe(auto& visit) {
        visit("index", &Partition::index, always);
        visit("error_code", &Partition::error_code, always);
        visit("base_offset", &Partition::base_offset, always);
        visit("log_append_time", &Partition::log_append_time, always.ignorable());
        visit("log_start_offset", &Partition::log_start_offset, since(5).ignorable());
        visit("record_errors", &Partition::record_errors, since(8).ignorable());
        visit("error_message", &Partition::error_message, since(8).null_since(8).ignorable());
        visit("current_leader", &Partition::current_leader, since(10).tagged(0));
      }
      friend bool operator==(const Partition&, const Partition&) = default;
    };

    std::string name = {};
    TopicId topic_id = {};
    std::vector<Partition> partition_responses = {};

    static void describe(auto& visit) {
      visit("name", &Topic::name, always.until(12).ignorable());
      visit("topic_id", &Topic::topic_id, since(13).ignorable());
      visit("partition_responses", &Topic::partition_responses, always);
    }
    friend bool operator==(const Topic&, const Topic&) = default;
  };
  struct NodeEndpoint {
    BrokerId node_id = {};
    std::string host = {};
    int32_t port = 0;
    std::optional<std::string> rack = {};

    static void describe(auto& visit) {
      visit("node_id", &NodeEndpoint::node_id, since(10));
      visit("host", &NodeEndpoint::host, since(10));
      visit("port", &NodeEndpoint::port, since(10));
      visit("rack", &NodeEndpoint::rack, since(10).null_since(10));
    }
    friend bool operator==(const NodeEndpoint&, const NodeEndpoint&) = default;
  };

  std::vector<Topic> responses = {};
  Milliseconds throttle_time = {};
  std::vector<NodeEndpoint> node_endpoints = {};

  static void describe(auto& visit) {
    visit("responses", &ProduceResponse::responses, always);
    visit("throttle_time", &ProduceResponse::throttle_time, always.ignorable());
    visit("node_endpoints", &ProduceResponse::node_endpoints, since(10).tagged(0));
  }
  friend bool operator==(const ProduceResponse&, const ProduceResponse&) = default;
};

}  // namespace pabal::kafka
