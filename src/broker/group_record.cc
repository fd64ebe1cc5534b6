#include "broker/group_record.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace pabal::broker {
namespace {

constexpr uint8_t record_version = 2;
constexpr uint8_t first_version = 1;
constexpr size_t length_digits = 4;

class Writer {
 public:
  explicit Writer(std::string& out) : out_(out) {}
  void byte(uint8_t value) { out_.push_back(static_cast<char>(value)); }
  void number(uint32_t value) {
    for (int shift = 24; shift >= 0; shift -= 8) byte(static_cast<uint8_t>(value >> shift));
  }
  void wall(WallTime value) {
    auto ms = static_cast<uint64_t>(value.time_since_epoch().count());
    number(static_cast<uint32_t>(ms >> 32));
    number(static_cast<uint32_t>(ms));
  }
  void text(std::string_view value) {
    number(static_cast<uint32_t>(value.size()));
    out_.append(value);
  }
  void time(Duration value) {
    number(static_cast<uint32_t>(std::chrono::duration_cast<std::chrono::milliseconds>(value).count()));
  }

 private:
  std::string& out_;
};

// After a failure everything it gives is empty.
class Reader {
 public:
  explicit Reader(std::string_view in) : in_(in) {}
  uint8_t byte() {
    if (!has(1)) return 0;
    auto value = static_cast<uint8_t>(in_.front());
    in_.remove_prefix(1);
    return value;
  }
  uint32_t number() {
    uint32_t value = 0;
    for (int i = 0; i < 4; ++i) value = value << 8 | byte();
    return value;
  }
  WallTime wall() {
    uint64_t high = number();
    uint64_t ms = high << 32 | number();
    return WallTime(std::chrono::milliseconds(static_cast<int64_t>(ms)));
  }
  std::string_view text() {
    size_t size = number();
    if (!has(size)) return {};
    std::string_view value = in_.substr(0, size);
    in_.remove_prefix(size);
    return value;
  }
  Bytes bytes() {
    BytesView view = as_bytes(text());
    return {view.begin(), view.end()};
  }
  Duration time() { return std::chrono::milliseconds(number()); }
  [[nodiscard]] bool good() const { return good_; }
  [[nodiscard]] bool at_end() const { return good_ && in_.empty(); }

 private:
  bool has(size_t count) {
    good_ = good_ && in_.size() >= count;
    return good_;
  }

  std::string_view in_;
  bool good_ = true;
};

void put_member(Writer& out, const SavedMember& member) {
  out.byte(member.instance ? 1 : 0);
  out.text(member.instance.value_or(""));
  out.text(member.client);
  out.text(member.host);
  out.time(member.session_timeout);
  out.time(member.rebalance_timeout);
  out.number(static_cast<uint32_t>(member.protocols.size()));
  for (const GroupProtocol& protocol : member.protocols) {
    out.text(protocol.name);
    out.text(as_text(protocol.metadata));
  }
  out.text(as_text(member.assignment));
}

SavedMember take_member(Reader& in) {
  SavedMember member;
  bool has_instance = in.byte() != 0;
  std::string instance(in.text());
  if (has_instance) member.instance = std::move(instance);
  member.client = in.text();
  member.host = in.text();
  member.session_timeout = in.time();
  member.rebalance_timeout = in.time();
  uint32_t protocols = in.number();
  for (uint32_t i = 0; i < protocols && in.good(); ++i) {
    std::string name(in.text());
    member.protocols.push_back({std::move(name), in.bytes()});
  }
  member.assignment = in.bytes();
  return member;
}

template <class T>
bool take(std::string_view& text, T& number, int base = 10) {
  auto [rest, problem] = std::from_chars(text.data(), text.data() + text.size(), number, base);
  if (problem != std::errc()) return false;
  text.remove_prefix(static_cast<size_t>(rest - text.data()));
  return true;
}

bool take_bar(std::string_view& text) {
  if (!text.starts_with('|')) return false;
  text.remove_prefix(1);
  return true;
}

}  // namespace

std::string GroupRecord::encode() const {
  std::string text;
  Writer out(text);
  out.byte(record_version);
  out.number(static_cast<uint32_t>(generation.value()));
  out.text(protocol_type);
  out.text(protocol);
  out.text(leader);
  out.number(static_cast<uint32_t>(members.size()));
  for (const auto& [id, member] : members) {
    out.text(id);
    put_member(out, member);
  }
  out.wall(used);
  out.wall(rebalance.at);
  out.text(rebalance.reason);
  return text;
}

Result<GroupRecord> GroupRecord::decode(std::string_view text) {
  Reader in(text);
  uint8_t version = in.byte();
  if (in.good() && (version < first_version || version > record_version)) {
    return error(ErrorCode::corrupt, "a group's record of version {}; {} to {} are known", version,
                 first_version, record_version);
  }
  GroupRecord record;
  record.generation = Generation(static_cast<int32_t>(in.number()));
  record.protocol_type = in.text();
  record.protocol = in.text();
  record.leader = in.text();
  uint32_t members = in.number();
  for (uint32_t i = 0; i < members && in.good(); ++i) {
    std::string id(in.text());
    record.members.insert_or_assign(std::move(id), take_member(in));
  }
  if (version > first_version) {
    record.used = in.wall();
    record.rebalance.at = in.wall();
    record.rebalance.reason = in.text();
  }
  if (!in.at_end()) return error(ErrorCode::corrupt, "{} bytes that are no group's record", text.size());
  return record;
}

std::string OffsetRecord::encode() const {
  return fmt::format("{}|{}|{}|{}", topic, offset, leader_epoch, metadata);
}

Result<OffsetRecord> OffsetRecord::decode(std::string_view text) {
  std::string_view rest = text;
  std::string_view id = rest.substr(0, rest.find('|'));
  rest.remove_prefix(id.size());
  auto topic = Uuid::parse(id);
  int64_t offset = 0;
  int32_t epoch = 0;
  if (!topic || !take_bar(rest) || !take(rest, offset) || !take_bar(rest) || !take(rest, epoch) ||
      !take_bar(rest)) {
    return error(ErrorCode::corrupt, "{:?} is no committed offset", text.substr(0, 100));
  }
  return OffsetRecord{*topic, Offset(offset), LeaderEpoch(epoch), std::string(rest)};
}

std::string group_key(std::string_view group) { return fmt::format("g{}", group); }

std::string offsets_prefix(std::string_view group) {
  return fmt::format("o{:0{}x}{}", group.size(), length_digits, group);
}

std::string offset_key(std::string_view group, const TopicPartition& at) {
  return fmt::format("{}{}/{}", offsets_prefix(group), at.topic, at.partition);
}

std::optional<std::string> group_of_key(std::string_view key) {
  if (!key.starts_with('g')) return std::nullopt;
  return std::string(key.substr(1));
}

std::optional<OffsetKey> offset_of_key(std::string_view key) {
  if (!key.starts_with('o') || key.size() < 1 + length_digits) return std::nullopt;
  std::string_view digits = key.substr(1, length_digits);
  key.remove_prefix(1 + length_digits);
  size_t size = 0;
  if (!take(digits, size, 16) || !digits.empty() || key.size() < size) return std::nullopt;
  OffsetKey found{.group = std::string(key.substr(0, size)), .at = {}};
  key.remove_prefix(size);
  size_t slash = key.rfind('/');
  if (slash == std::string_view::npos) return std::nullopt;
  found.at.topic = key.substr(0, slash);
  key.remove_prefix(slash + 1);
  int32_t partition = 0;
  if (!take(key, partition) || !key.empty()) return std::nullopt;
  found.at.partition = PartitionIndex(partition);
  return found;
}

}  // namespace pabal::broker
