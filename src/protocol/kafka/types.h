#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/types.h"
#include "protocol/kafka/error.h"

// The kinds of number that Kafka's messages carry. Plain integers are left for counts, sizes and ports.
namespace pabal::kafka {

using ApiVersion = Strong<struct ApiVersionTag, int16_t>;
using CorrelationId = Strong<struct CorrelationIdTag, int32_t>;
using BrokerId = Strong<struct BrokerIdTag, int32_t>;
using BrokerEpoch = Strong<struct BrokerEpochTag, int64_t>;
using Generation = Strong<struct GenerationTag, int32_t>;  // of a group, or KIP-848's member epoch
using FetchSessionId = Strong<struct FetchSessionIdTag, int32_t>;
using FetchSessionEpoch = Strong<struct FetchSessionEpochTag, int32_t>;
using FeatureLevel = Strong<struct FeatureLevelTag, int16_t>;
using Milliseconds = std::chrono::duration<int32_t, std::milli>;
using LongMilliseconds = std::chrono::duration<int64_t, std::milli>;
// Milliseconds since 1970, or one of ListOffsets' special points below zero.
using Timestamp = Strong<struct TimestampTag, int64_t>;
constexpr Timestamp no_timestamp{-1};

// A double as its bits; nobody here reckons with one.
using FloatBits = Strong<struct FloatBitsTag, int64_t>;

// A bit for each operation that the caller may do; the default says that nobody asked.
using OperationSet = Strong<struct OperationSetTag, int32_t>;
constexpr OperationSet operations_not_asked{INT32_MIN};

enum class ApiKey : int16_t {
  produce = 0,
  fetch = 1,
  list_offsets = 2,
  metadata = 3,
  offset_commit = 8,
  offset_fetch = 9,
  find_coordinator = 10,
  join_group = 11,
  heartbeat = 12,
  leave_group = 13,
  sync_group = 14,
  describe_groups = 15,
  list_groups = 16,
  sasl_handshake = 17,
  api_versions = 18,
  create_topics = 19,
  delete_topics = 20,
  delete_records = 21,
  init_producer_id = 22,
  offset_for_leader_epoch = 23,
  describe_acls = 29,
  create_acls = 30,
  delete_acls = 31,
  describe_configs = 32,
  alter_configs = 33,
  describe_log_dirs = 35,
  sasl_authenticate = 36,
  create_partitions = 37,
  delete_groups = 42,
  incremental_alter_configs = 44,
  offset_delete = 47,
  describe_client_quotas = 48,
  describe_user_scram_credentials = 50,
  alter_user_scram_credentials = 51,
  describe_cluster = 60,
};

// Enumerations come from the wire: a value may be none of the names.
enum class Acks : int16_t { all = -1, none = 0, leader = 1 };
enum class IsolationLevel : int8_t { read_uncommitted = 0, read_committed = 1 };
enum class CoordinatorType : int8_t { group = 0, transaction = 1, share = 2 };
enum class EndpointType : int8_t { brokers = 1, controllers = 2 };
enum class ScramMechanism : int8_t { unknown = 0, sha_256 = 1, sha_512 = 2 };
enum class ConfigOperation : int8_t { set = 0, remove = 1, append = 2, subtract = 3 };
enum class ConfigResource : int8_t { unknown = 0, topic = 2, broker = 4, broker_logger = 8, group = 32 };
enum class ConfigSource : int8_t {
  unknown = 0,
  topic = 1,
  dynamic_broker = 2,
  dynamic_default_broker = 3,
  static_broker = 4,
  default_value = 5,
};
enum class ConfigType : int8_t {
  unknown = 0,
  boolean = 1,
  string = 2,
  integer = 3,
  short_integer = 4,
  long_integer = 5,
  floating = 6,
  list = 7,
  class_name = 8,
  password = 9,
};
enum class AclResource : int8_t {
  unknown = 0,
  any = 1,
  topic = 2,
  group = 3,
  cluster = 4,
  transactional_id = 5,
  delegation_token = 6,
  user = 7,
};
enum class AclPattern : int8_t { unknown = 0, any = 1, match = 2, literal = 3, prefixed = 4 };
enum class AclOperation : int8_t {
  unknown = 0,
  any = 1,
  all = 2,
  read = 3,
  write = 4,
  create = 5,
  remove = 6,
  alter = 7,
  describe = 8,
  cluster_action = 9,
  describe_configs = 10,
  alter_configs = 11,
  idempotent_write = 12,
  create_tokens = 13,
  describe_tokens = 14,
};
enum class QuotaMatch : int8_t { exact = 0, default_entity = 1, any = 2 };
enum class AclPermission : int8_t { unknown = 0, any = 1, deny = 2, allow = 3 };

// Record batches as they came or as they are stored, never decoded here. One piece when read from a frame.
struct Records {
  std::vector<SharedBytes> pieces;

  [[nodiscard]] size_t bytes() const {
    size_t sum = 0;
    for (const SharedBytes& piece : pieces) sum += piece.size();
    return sum;
  }
  friend bool operator==(const Records& a, const Records& b) { return a.joined() == b.joined(); }
  [[nodiscard]] Bytes joined() const {
    Bytes all;
    all.reserve(bytes());
    for (const SharedBytes& piece : pieces) all.insert(all.end(), piece.view().begin(), piece.view().end());
    return all;
  }
};

}  // namespace pabal::kafka
