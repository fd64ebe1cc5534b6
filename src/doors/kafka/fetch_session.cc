#include "doors/kafka/fetch_session.h"

#include <algorithm>

namespace pabal::doors {
namespace {

using kafka::FetchSessionEpoch;
using kafka::FetchSessionId;
using kafka::KafkaError;

constexpr FetchSessionId no_session{0};
constexpr FetchSessionEpoch last_epoch{-1};  // ends the session, or wants none
constexpr FetchSessionEpoch first_epoch{0};  // begins one

FetchSessionEpoch after(FetchSessionEpoch epoch) {
  return epoch == FetchSessionEpoch(INT32_MAX) ? FetchSessionEpoch(1) : FetchSessionEpoch(epoch.value() + 1);
}

size_t topic_bytes(const std::string& name) { return fetch_session_topic_bytes + name.size(); }

}  // namespace

bool FetchSessions::take(size_t bytes, const FetchSession& who, Instant now) {
  while (bytes_ + bytes > bytes_max_) {
    if (by_use_.empty() || by_use_.front() == &who) return false;
    if (now - by_use_.front()->used_ < fetch_session_idle_min) return false;
    by_use_.front()->close();
  }
  bytes_ += bytes;
  return true;
}

KafkaError FetchSession::begin(kafka::FetchRequest& request, bool by_id, runtime::Shard& shard) {
  incremental_ = false;
  if (request.session_epoch == last_epoch || request.session_epoch == first_epoch) {
    close();
    if (request.session_epoch == first_epoch) open(request, by_id, shard);
    return KafkaError::none;
  }
  if (id_ == no_session || request.session_id != id_) return KafkaError::fetch_session_id_not_found;
  if (request.session_epoch != next_epoch_) return KafkaError::invalid_fetch_session_epoch;
  if (by_id != by_id_) return KafkaError::fetch_session_topic_id_error;
  used_ = shard.timers().clock().now();
  all_->by_use_.splice(all_->by_use_.end(), all_->by_use_, place_);
  if (!put_all(request, used_)) {
    close();
    return KafkaError::fetch_session_id_not_found;
  }
  next_epoch_ = after(next_epoch_);
  incremental_ = true;
  forget(request);
  name_all(request);
  return KafkaError::none;
}

void FetchSession::finish(kafka::FetchResponse& response) {
  if (id_ == no_session) return;
  response.session_id = id_;
  for (auto& topic : response.responses) {
    std::erase_if(topic.partitions, [&](const Answered& one) {
      bool news = take_news(Topic(topic), one);
      return incremental_ && !news;
    });
  }
  std::erase_if(response.responses, [](const auto& topic) { return topic.partitions.empty(); });
}

void FetchSession::open(const kafka::FetchRequest& request, bool by_id, runtime::Shard& shard) {
  if (request.topics.empty()) return;
  id_ = FetchSessionId(static_cast<int32_t>(shard.random().below(INT32_MAX)) + 1);
  next_epoch_ = after(first_epoch);
  by_id_ = by_id;
  used_ = shard.timers().clock().now();
  place_ = all_->by_use_.insert(all_->by_use_.end(), this);
  if (!put_all(request, used_) || entries_.empty()) close();
}

void FetchSession::close() {
  if (id_ == no_session) return;
  id_ = no_session;
  all_->by_use_.erase(place_);
  give_back(bytes_);
  entries_.clear();
  topics_.clear();
}

bool FetchSession::put_all(const kafka::FetchRequest& request, Instant now) {
  return std::ranges::all_of(request.topics, [&](const auto& named) {
    Topic topic(named);
    return std::ranges::all_of(named.partitions,
                               [&](const Partition& partition) { return put(topic, partition, now); });
  });
}

bool FetchSession::put(const Topic& topic, const Partition& partition, Instant now) {
  auto known = topics_.find(topic);
  if (known == topics_.end()) {
    if (!take(topic_bytes(topic.name), now)) return false;
    known = topics_.try_emplace(topic).first;
  }
  auto entry = known->second.find(partition.partition);
  if (entry != known->second.end()) {
    entry->second->wanted = partition;
    return true;
  }
  if (!take(fetch_session_partition_bytes, now)) return false;
  auto added = entries_.insert(entries_.end(), Entry{.topic = &known->first, .wanted = partition});
  known->second.emplace(partition.partition, added);
  return true;
}

bool FetchSession::take(size_t bytes, Instant now) {
  if (!all_->take(bytes, *this, now)) return false;
  bytes_ += bytes;
  return true;
}

void FetchSession::give_back(size_t bytes) {
  all_->bytes_ -= bytes;
  bytes_ -= bytes;
}

void FetchSession::forget(const kafka::FetchRequest& request) {
  for (const auto& forgotten : request.forgotten_topics_data) {
    auto topic = topics_.find(Topic(forgotten));
    if (topic == topics_.end()) continue;
    for (PartitionIndex partition : forgotten.partitions) {
      auto known = topic->second.find(partition);
      if (known == topic->second.end()) continue;
      entries_.erase(known->second);
      topic->second.erase(known);
      give_back(fetch_session_partition_bytes);
    }
    if (!topic->second.empty()) continue;
    give_back(topic_bytes(topic->first.name));
    topics_.erase(topic);
  }
}

void FetchSession::name_all(kafka::FetchRequest& request) const {
  request.topics.clear();
  const Topic* last = nullptr;
  for (const Entry& entry : entries_) {
    if (entry.topic != last) {
      request.topics.push_back({.topic = entry.topic->name, .topic_id = entry.topic->id});
    }
    request.topics.back().partitions.push_back(entry.wanted);
    last = entry.topic;
  }
}

bool FetchSession::take_news(const Topic& topic, const Answered& answered) {
  auto known = topics_.find(topic);
  if (known == topics_.end()) return true;
  auto place = known->second.find(answered.partition_index);
  if (place == known->second.end()) return true;
  Entry& entry = *place->second;
  bool records = answered.records && answered.records->bytes() > 0;
  bool failed = answered.error_code != KafkaError::none;
  bool moved = answered.high_watermark != entry.high_watermark || answered.log_start_offset != entry.first;
  bool news = entry.unknown || records || failed || moved;
  entry.high_watermark = answered.high_watermark;
  entry.first = answered.log_start_offset;
  entry.unknown = failed;  // when it works again, that is news
  if (records) entries_.splice(entries_.end(), entries_, place->second);
  return news;
}

}  // namespace pabal::doors
