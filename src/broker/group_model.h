#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "broker/group_types.h"

namespace pabal::broker {

// The topics of one name, one after the other: which of them may exist. A call that began while [lowest,
// highest] were possible, and whose outcome is unknown, may have met any of them.
struct TopicLives {
  int64_t lowest = 1;
  int64_t highest = 1;
};

// What must hold of one consumer group, told by its members: no generation that anybody was given an
// assignment of comes again, two members of a generation never share a partition, and a committed offset
// stays until a later one, or the end of its topic, replaces it.
class GroupModel {
 public:
  using Problem = std::optional<std::string>;

  explicit GroupModel(std::string name) : name_(std::move(name)) {}
  [[nodiscard]] const std::string& name() const { return name_; }

  // The process is gone: calls without an answer have taken effect, or never will.
  void begin_life();

  // The highest generation whose assignment somebody was told: what comes afterwards is not below it.
  [[nodiscard]] Generation settled() const { return settled_; }
  void begin_assign(Generation generation) { proposed_ = std::max(proposed_, generation); }
  // Whether a restart must go on with this generation: no other can have been saved.
  [[nodiscard]] bool stands(Generation generation) const {
    return settled_ == generation && proposed_ <= generation;
  }
  // `settled` was so when the call began.
  [[nodiscard]] Problem took_part(const std::string& member, Generation generation, Generation settled) const;
  [[nodiscard]] Problem assigned(const std::string& member, Generation generation, Generation settled,
                                 const std::set<TopicPartition>& partitions);

  enum class Outcome { unknown, done, refused };
  // An offset that nobody else ever commits.
  [[nodiscard]] size_t begin_commit(const TopicPartition& at, Offset offset, TopicLives topic);
  void end_commit(size_t commit, Outcome outcome, TopicLives topic);
  [[nodiscard]] uint64_t begin_look() { return ++clock_; }
  // `before` and `after` the look, which began at `since`.
  [[nodiscard]] Problem saw(const TopicPartition& at, Offset offset, uint64_t since, TopicLives before,
                            TopicLives after) const;

 private:
  struct Commit {
    TopicPartition at;
    Offset offset;
    uint64_t began;
    int64_t topic_min;
    uint64_t ended = UINT64_MAX;
    int64_t topic_max = INT64_MAX;
    Outcome outcome = Outcome::unknown;
  };
  [[nodiscard]] const Commit* find(const TopicPartition& at, Offset offset) const;

  std::string name_;
  Generation settled_{0};
  Generation proposed_{0};  // a leader may have had it saved
  std::map<int32_t, std::map<std::string, std::set<TopicPartition>>> assignments_;
  std::vector<Commit> commits_;
  uint64_t clock_ = 0;
};

}  // namespace pabal::broker
