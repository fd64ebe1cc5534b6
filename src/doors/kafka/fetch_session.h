#pragma once

#include <list>
#include <map>
#include <memory>
#include <string>

#include "protocol/kafka/fetch.h"
#include "runtime/shards.h"

namespace pabal::doors {

constexpr size_t fetch_sessions_bytes_max = 64_MiB;  // of all connections together
// A session that was used since then is not given up for another, as in Kafka.
constexpr Duration fetch_session_idle_min = std::chrono::minutes(2);
// What a partition and a topic of a session hold, with what the containers add; a topic's name comes on top.
constexpr size_t fetch_session_partition_bytes = 256;
constexpr size_t fetch_session_topic_bytes = 256;

class FetchSession;

// The memory of the fetch sessions on one shard, whose thread alone touches it. There are no more of them
// than connections.
class FetchSessions {
 public:
  explicit FetchSessions(size_t bytes_max) : bytes_max_(bytes_max) {}
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  friend class FetchSession;
  // Room for so many bytes more, if need be that of sessions which have been idle for long, the longest
  // first.
  bool take(size_t bytes, const FetchSession& who, Instant now);

  size_t bytes_max_;
  size_t bytes_ = 0;
  std::list<FetchSession*> by_use_;  // the longest idle first
};

// What one client fetches again and again (KIP-227): it names all partitions once, then only those that
// change, and is told only of those that have news. A session belongs to its connection and ends with it; a
// client that comes back on another one begins anew. Where there is no room for it, it has session 0, and
// names all partitions each time. One fetch of a connection runs at a time.
class FetchSession {
 public:
  explicit FetchSession(std::shared_ptr<FetchSessions> all) : all_(std::move(all)) {}
  ~FetchSession() { close(); }
  FetchSession(const FetchSession&) = delete;
  FetchSession& operator=(const FetchSession&) = delete;

  // Takes over what the request says, and completes it: it names every partition that is to be read. Or why
  // the request cannot be served: the client then begins a new session.
  [[nodiscard]] kafka::KafkaError begin(kafka::FetchRequest& request, bool by_id, runtime::Shard& shard);
  // Leaves what is news to the client.
  void finish(kafka::FetchResponse& response);

 private:
  friend class FetchSessions;
  using Partition = kafka::FetchRequest::Topic::Partition;
  using Answered = kafka::FetchResponse::Topic::Partition;
  // A topic by its id or, in older versions, by name.
  struct Topic {
    template <class Named>
    explicit Topic(const Named& topic)
        : id(topic.topic_id), name(topic.topic_id == TopicId{} ? topic.topic : std::string()) {}
    TopicId id;
    std::string name;
    friend auto operator<=>(const Topic&, const Topic&) = default;
  };
  struct Entry {
    const Topic* topic;  // of topics_
    Partition wanted;
    Offset high_watermark{-1};  // as the client knows it
    Offset first{-1};
    bool unknown = true;  // the client has heard nothing yet
  };
  using Entries = std::list<Entry>;
  using ByPartition = std::map<PartitionIndex, Entries::iterator>;

  void open(const kafka::FetchRequest& request, bool by_id, runtime::Shard& shard);
  void close();
  // False: there is no room for it.
  bool put_all(const kafka::FetchRequest& request, Instant now);
  bool put(const Topic& topic, const Partition& partition, Instant now);
  bool take(size_t bytes, Instant now);
  void give_back(size_t bytes);
  void forget(const kafka::FetchRequest& request);
  void name_all(kafka::FetchRequest& request) const;
  bool take_news(const Topic& topic, const Answered& answered);

  std::shared_ptr<FetchSessions> all_;
  std::list<FetchSession*>::iterator place_;  // among all, while there is a session
  Instant used_ = {};
  size_t bytes_ = 0;
  kafka::FetchSessionId id_{0};  // 0: there is none
  kafka::FetchSessionEpoch next_epoch_{0};
  bool by_id_ = false;
  bool incremental_ = false;  // what is being answered
  Entries entries_;           // those that had records last come last, so that each gets its turn
  std::map<Topic, ByPartition> topics_;
};

}  // namespace pabal::doors
