#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "broker/group_types.h"

namespace pabal::broker {

// What is remembered of a member.
struct SavedMember {
  std::optional<std::string> instance = {};
  std::string client = {};
  std::string host = {};
  Duration session_timeout = {};
  Duration rebalance_timeout = {};
  std::vector<GroupProtocol> protocols = {};
  Bytes assignment = {};
  friend bool operator==(const SavedMember&, const SavedMember&) = default;
};

// What the tables `__pabal.groups` hold of a group, under "g<name>": the outcome of its last rebalance.
//
//   u8 version (2) | i32 generation | protocol type | protocol | leader | u32 members
//   each member: id | u8 has instance | instance | client | host | u32 session ms | u32 rebalance ms |
//                u32 protocols | each: name | metadata | assignment
//   from version 2: i64 last used | i64 last rebalance | its reason
//
// Texts and bytes are a u32 length and as many bytes; numbers are big-endian; times are ms since 1970, 0 for
// one that is not known.
struct GroupRecord {
  Generation generation{0};
  std::string protocol_type = {};
  std::string protocol = {};
  std::string leader = {};
  std::map<std::string, SavedMember> members = {};
  WallTime used = {};        // last had a member, or a commit; a commit counts to the hour
  Rebalance rebalance = {};  // the last

  [[nodiscard]] std::string encode() const;
  static Result<GroupRecord> decode(std::string_view text);
  friend bool operator==(const GroupRecord&, const GroupRecord&) = default;
};

// A committed offset, under "o<length of the group's name, 4 hex digits><group><topic>/<partition>":
// "<topic id>|<offset>|<leader epoch>|<metadata>". The id, because a name may be given to another topic.
struct OffsetRecord {
  TopicId topic;
  Offset offset;
  LeaderEpoch leader_epoch;
  std::string metadata = {};

  [[nodiscard]] std::string encode() const;
  static Result<OffsetRecord> decode(std::string_view text);
  friend bool operator==(const OffsetRecord&, const OffsetRecord&) = default;
};

[[nodiscard]] std::string group_key(std::string_view group);
[[nodiscard]] std::string offsets_prefix(std::string_view group);
[[nodiscard]] std::string offset_key(std::string_view group, const TopicPartition& at);

// What a key says. nullopt for what is none.
struct OffsetKey {
  std::string group;
  TopicPartition at;
};
[[nodiscard]] std::optional<std::string> group_of_key(std::string_view key);
[[nodiscard]] std::optional<OffsetKey> offset_of_key(std::string_view key);

}  // namespace pabal::broker
