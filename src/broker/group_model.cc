#include "broker/group_model.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/error.h"

namespace pabal::broker {

void GroupModel::begin_life() {
  for (Commit& commit : commits_) {
    if (commit.ended == UINT64_MAX) commit.ended = ++clock_;
  }
}

GroupModel::Problem GroupModel::took_part(const std::string& member, Generation generation,
                                          Generation settled) const {
  if (generation >= settled) return std::nullopt;
  return fmt::format("{}: {} takes part in generation {} after {}", name_, member, generation.value(),
                     settled.value());
}

GroupModel::Problem GroupModel::assigned(const std::string& member, Generation generation, Generation settled,
                                         const std::set<TopicPartition>& partitions) {
  if (auto problem = took_part(member, generation, settled)) return problem;
  settled_ = std::max(settled_, generation);
  auto& all = assignments_[generation.value()];
  for (const auto& [other, theirs] : all) {
    if (other == member && theirs != partitions) {
      return fmt::format("{}: {} is told two assignments of generation {}", name_, member,
                         generation.value());
    }
    auto is_theirs = [&](const TopicPartition& at) { return theirs.contains(at); };
    if (other != member && std::ranges::any_of(partitions, is_theirs)) {
      return fmt::format("{}: {} and {} share a partition in generation {}", name_, member, other,
                         generation.value());
    }
  }
  all[member] = partitions;
  return std::nullopt;
}

size_t GroupModel::begin_commit(const TopicPartition& at, Offset offset, TopicLives topic) {
  commits_.push_back({.at = at, .offset = offset, .began = ++clock_, .topic_min = topic.lowest});
  return commits_.size() - 1;
}

void GroupModel::end_commit(size_t commit, Outcome outcome, TopicLives topic) {
  Commit& ended = commits_[commit];
  ended.ended = ++clock_;
  ended.outcome = outcome;
  ended.topic_max = topic.highest;
}

const GroupModel::Commit* GroupModel::find(const TopicPartition& at, Offset offset) const {
  auto is_it = [&](const Commit& commit) { return commit.at == at && commit.offset == offset; };
  auto found = std::ranges::find_if(commits_, is_it);
  return found == commits_.end() ? nullptr : &*found;
}

GroupModel::Problem GroupModel::saw(const TopicPartition& at, Offset offset, uint64_t since,
                                    TopicLives before, TopicLives after) const {
  auto problem = [&](std::string_view what) {
    return fmt::format("{}: {}/{} shows {}, {}", name_, at.topic, at.partition.value(), offset.value(), what);
  };
  const Commit* shown = offset < Offset(0) ? nullptr : find(at, offset);
  if (!shown && offset >= Offset(0)) return problem("which nobody committed");
  if (shown && shown->outcome == Outcome::refused) return problem("which was refused");
  if (shown && shown->topic_max < before.lowest) return problem("which was of a topic that is deleted");
  for (const Commit& later : commits_) {
    bool stands = later.at == at && later.outcome == Outcome::done && later.ended < since;
    bool of_this_topic = before.lowest == after.highest && later.topic_min == later.topic_max &&
                         later.topic_min == before.lowest;
    bool older = !shown || shown->ended < later.began;
    if (stands && of_this_topic && older) return problem(fmt::format("not {}", later.offset.value()));
  }
  return std::nullopt;
}

}  // namespace pabal::broker
