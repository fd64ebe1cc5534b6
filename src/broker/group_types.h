#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/types.h"

// What a consumer group is asked and what it answers, whatever door it is reached through.
namespace pabal::broker {

// Counts the rebalances of a group.
using Generation = Strong<struct GroupGenerationTag, int32_t>;
constexpr Generation no_generation{-1};

constexpr size_t groups_max = 10'000;
constexpr size_t group_name_bytes_max = 255;
constexpr size_t group_members_max = 1'000;  // with those that have only been given an id
constexpr size_t group_bytes_max =
    1_MiB;  // what members say in joins and the leader in its sync, of one group
constexpr size_t member_text_bytes_max = 512;  // of an instance id
constexpr size_t offset_metadata_bytes_max = 4'096;
constexpr size_t rebalance_reason_bytes_max = 500;
constexpr size_t offsets_per_commit_max = 10'000;
constexpr Duration session_timeout_min = std::chrono::seconds(6);
constexpr Duration session_timeout_max = std::chrono::minutes(30);
constexpr Duration rebalance_timeout_max = std::chrono::hours(24);
// A group that nobody is in waits so long for others to come along with its first member.
constexpr Duration first_members_delay = std::chrono::milliseconds(300);
// A member that waits for its first rebalance does not send heartbeats: so long it is believed to be there.
constexpr Duration new_member_timeout = std::chrono::minutes(5);
// After this time without members or commits a group is forgotten.
constexpr Duration idle_group_kept = std::chrono::minutes(10);
constexpr Duration idle_offsets_kept = std::chrono::days(7);
// How exactly the time of the last commit from outside is kept.
constexpr Duration idle_precision = std::chrono::hours(1);

enum class GroupError {
  none,
  unavailable,              // the server stops, or could not write: try again
  invalid_group,            // no name for a group
  group_not_found,          // and it would have to exist
  not_empty,                // has members, or is being written to
  unknown_member,           // not, or no longer, in the group
  member_id_required,       // come again with the id given
  fenced_instance,          // another member has taken this instance id
  illegal_generation,       // of an earlier rebalance
  rebalance_in_progress,    // join again
  inconsistent_protocol,    // nothing that all members speak
  invalid_session_timeout,  //
  group_full,               // a limit of members or bytes
  invalid_request,          //
  unknown_topic,            // or partition
  metadata_too_large,       // of one offset
  too_many_offsets,         // of one commit, or of all
};

struct GroupProtocol {
  std::string name;
  Bytes metadata;
  friend bool operator==(const GroupProtocol&, const GroupProtocol&) = default;
};

struct JoinGroup {
  std::string group = {};
  std::string member = {};                   // empty: a new one
  std::optional<std::string> instance = {};  // of a static member
  std::string client = {};
  std::string host = {};
  Duration session_timeout = {};
  Duration rebalance_timeout = {};
  std::string protocol_type = {};
  std::vector<GroupProtocol> protocols = {};  // the best first
  bool wants_id_first = false;                // a new dynamic member is given its id and joins with it
  bool understands_skipping = false;          // JoinAnswer::skip_assignment
  std::string reason = {};                    // why, in the client's words
};

struct JoinedMember {
  std::string id;
  std::optional<std::string> instance;
  Bytes metadata;
};

struct JoinAnswer {
  GroupError error = GroupError::none;
  std::string member = {};
  Generation generation = no_generation;
  std::string protocol_type = {};
  std::string protocol = {};
  std::string leader = {};
  std::vector<JoinedMember> members = {};  // for the leader
  bool skip_assignment = false;            // the leader has come back, and the assignment stands
};

// Who says that it is a member.
struct MemberClaim {
  std::string group = {};
  std::string member = {};
  std::optional<std::string> instance = {};
  Generation generation = no_generation;
};

struct SyncGroup {
  MemberClaim claim = {};
  std::optional<std::string> protocol_type = {};
  std::optional<std::string> protocol = {};
  std::map<std::string, Bytes> assignments = {};  // the leader's, by member
};

struct SyncAnswer {
  GroupError error = GroupError::none;
  std::string protocol_type = {};
  std::string protocol = {};
  Bytes assignment = {};
};

struct LeavingMember {
  std::string member = {};                   // or, when empty,
  std::optional<std::string> instance = {};  // the member with this instance id
  std::string reason = {};                   // why, in the client's words
};

struct TopicPartition {
  std::string topic;
  PartitionIndex partition;
  friend auto operator<=>(const TopicPartition&, const TopicPartition&) = default;
};

struct GroupOffset {
  TopicPartition at;
  Offset offset{-1};
  LeaderEpoch leader_epoch{-1};
  std::string metadata = {};
};

struct GroupMember {
  std::string id;
  std::optional<std::string> instance;
  std::string client;
  std::string host;
  Bytes metadata;  // for the group's protocol
  Bytes assignment;
};

enum class GroupState { empty, preparing_rebalance, completing_rebalance, stable, dead };

// What made the members share out their partitions anew, in a sentence without its full stop, and when.
struct Rebalance {
  WallTime at = {};
  std::string reason = {};
  friend bool operator==(const Rebalance&, const Rebalance&) = default;
};

struct GroupInfo {
  std::string name;
  GroupState state = GroupState::dead;
  std::string protocol_type = {};
  std::string protocol = {};
  Generation generation{0};
  std::vector<GroupMember> members = {};
  std::optional<Rebalance> last_rebalance = {};
};

}  // namespace pabal::broker
