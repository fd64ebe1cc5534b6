#include <algorithm>
#include <array>
#include <map>
#include <set>
#include <tuple>

#include "base/check.h"
#include "base/fuzz.h"
#include "doors/kafka/fetch_session.h"
#include "engine/step_shards.h"

// The input is a play: clients whose sessions share little memory ask, are answered, and let time pass. Each
// has to end up with what it would know if it named all partitions each time and were told of all of them.

namespace pabal::doors {
namespace {

using kafka::FetchSessionEpoch;
using kafka::FetchSessionId;
using kafka::KafkaError;
using Partition = kafka::FetchRequest::Topic::Partition;
using Answer = kafka::FetchResponse::Topic::Partition;
// A partition of a topic that has a name or an id.
using Place = std::tuple<TopicId, std::string, PartitionIndex>;

constexpr size_t sessions_bytes_max = 16 * fetch_session_partition_bytes;
constexpr int topics = 4, partitions = 6;

template <class Topic>
Place place_of(const Topic& topic, PartitionIndex partition) {
  return {topic.topic_id, topic.topic_id == TopicId{} ? topic.topic : "", partition};
}

// What a client hears of a partition, but for its records.
struct Told {
  Offset high_watermark;
  Offset first;
  bool failed;
  friend bool operator==(const Told&, const Told&) = default;
};

// A client, and what its session has to be.
struct Client {
  explicit Client(std::shared_ptr<FetchSessions> all) : session(std::move(all)) {}

  [[nodiscard]] size_t bytes() const {
    std::set<std::pair<TopicId, std::string>> named;
    size_t all = 0;
    for (const auto& [place, ignored] : wanted) {
      const std::string& topic = std::get<std::string>(place);
      if (named.emplace(std::get<TopicId>(place), topic).second)
        all += fetch_session_topic_bytes + topic.size();
      all += fetch_session_partition_bytes;
    }
    return all;
  }
  void end() {
    id = FetchSessionId(0);
    wanted.clear();
  }
  void name(const kafka::FetchRequest& request) {
    for (const auto& topic : request.topics) {
      for (const Partition& one : topic.partitions) wanted[place_of(topic, one.partition)] = one;
    }
  }
  void forget(const kafka::FetchRequest& request) {
    for (const auto& topic : request.forgotten_topics_data) {
      for (PartitionIndex one : topic.partitions) {
        wanted.erase(place_of(topic, one));
        told.erase(place_of(topic, one));
      }
    }
  }

  FetchSession session;
  FetchSessionId id{0};
  int32_t next_epoch = 1;
  bool by_id = false;
  Instant used = {};
  std::map<Place, Partition> wanted = {};
  std::map<Place, Told> told = {};
  std::set<Place> had_records = {};               // in the answer before
  std::optional<kafka::FetchRequest> asked = {};  // and not answered yet
  bool incremental = false;                       // what was asked
};

class Play {
 public:
  explicit Play(BytesView input) : input_(input) {}

  void run() {
    while (!input_.empty()) {
      Client& client = clients_.at(take(clients_.size()));
      if (client.asked) {
        answer(client);
      } else if (take(4) == 0) {
        shards_.advance(std::chrono::minutes(1));
      } else {
        ask(client);
      }
      look_at_all();
    }
  }

 private:
  size_t take(size_t below) { return take_byte(input_) % below; }
  [[nodiscard]] Instant now() { return shards_.clock().now(); }

  template <class Topic>
  Topic some_topic(bool by_id) {
    size_t which = take(topics);
    if (by_id) return {.topic_id = {.bytes = {static_cast<uint8_t>(which)}}};
    return {.topic = std::string(which, 't')};
  }
  PartitionIndex some_partition() { return PartitionIndex(static_cast<int32_t>(take(partitions))); }

  kafka::FetchRequest some_request(const Client& client, bool by_id) {
    kafka::FetchRequest request{.session_id = client.id};
    std::array epochs{client.next_epoch,    client.next_epoch, client.next_epoch, 0, 0, -1,
                      client.next_epoch + 1};
    request.session_epoch = FetchSessionEpoch(epochs.at(take(epochs.size())));
    if (take(16) == 0) request.session_id = FetchSessionId(client.id.value() ^ 1);
    for (size_t count = take(4); count > 0; --count) {
      auto& topic = request.topics.emplace_back(some_topic<kafka::FetchRequest::Topic>(by_id));
      for (size_t more = take(4); more > 0; --more) {
        topic.partitions.push_back(
            {.partition = some_partition(), .fetch_offset = Offset(take_byte(input_))});
      }
    }
    for (size_t count = take(3); count > 0; --count) {
      auto& topic =
          request.forgotten_topics_data.emplace_back(some_topic<kafka::FetchRequest::ForgottenTopic>(by_id));
      for (size_t more = take(4); more > 0; --more) topic.partitions.push_back(some_partition());
    }
    return request;
  }

  // As far as it does not depend on memory.
  static KafkaError expected(const Client& client, const kafka::FetchRequest& request, bool by_id) {
    if (request.session_epoch.value() <= 0) return KafkaError::none;
    if (client.id == FetchSessionId(0) || request.session_id != client.id) {
      return KafkaError::fetch_session_id_not_found;
    }
    if (request.session_epoch.value() != client.next_epoch) return KafkaError::invalid_fetch_session_epoch;
    return by_id == client.by_id ? KafkaError::none : KafkaError::fetch_session_topic_id_error;
  }

  void ask(Client& client) {
    bool by_id = take(2) == 1;
    auto request = some_request(client, by_id);
    const auto sent = request;
    KafkaError right = expected(client, request, by_id);
    client.incremental = right == KafkaError::none && request.session_epoch.value() > 0;
    KafkaError said = client.session.begin(request, by_id, shards_.at(0));
    if (right != KafkaError::none) {
      check(said == right, "session {} said {}, not {}", client.id, kafka::name_of(said),
            kafka::name_of(right));
      return;
    }
    if (client.incremental) {
      go_on(client, sent, request, said);
    } else {
      check(said == KafkaError::none && request == sent, "a fetch that names all was changed");
      begin(client, sent, by_id);
    }
    if (said == KafkaError::none) client.asked = std::move(request);
  }

  void begin(Client& client, const kafka::FetchRequest& sent, bool by_id) {
    client.end();
    client.told.clear();
    client.had_records.clear();
    if (sent.session_epoch == FetchSessionEpoch(0)) client.name(sent);
    client.id = id_of(client);
    bool wants = !client.wanted.empty();
    if (client.id == FetchSessionId(0)) {
      if (wants) check_no_room_for(client);
      return client.end();
    }
    check(wants, "a session {} that nobody asked for", client.id);
    client.next_epoch = 1;
    client.by_id = by_id;
    client.used = now();
  }

  void go_on(Client& client, const kafka::FetchRequest& sent, const kafka::FetchRequest& completed,
             KafkaError said) {
    client.used = now();
    client.name(sent);
    if (said != KafkaError::none) {
      check(said == KafkaError::fetch_session_id_not_found && id_of(client) == FetchSessionId(0),
            "session {} said {}", client.id, kafka::name_of(said));
      check_no_room_for(client);
      return client.end();
    }
    client.next_epoch += 1;
    client.forget(sent);
    check_named(client, completed);
  }

  // Each partition once, as it was named last; those that had records behind those that had none.
  static void check_named(const Client& client, const kafka::FetchRequest& completed) {
    std::set<Place> named;
    bool had_records = false;
    for (const auto& topic : completed.topics) {
      for (const Partition& one : topic.partitions) {
        Place place = place_of(topic, one.partition);
        auto wanted = client.wanted.find(place);
        check(wanted != client.wanted.end() && wanted->second == one, "partition {} of {:?} is not wanted so",
              one.partition, topic.topic);
        check(named.insert(place).second, "partition {} of {:?} is named twice", one.partition, topic.topic);
        bool had = client.had_records.contains(place);
        check(had || !had_records || !client.told.contains(place), "partition {} of {:?} waits for its turn",
              one.partition, topic.topic);
        had_records = had_records || had;
      }
    }
    check(named.size() == client.wanted.size(), "{} partitions are named; {} are wanted", named.size(),
          client.wanted.size());
  }

  // For what it wants, while the others have what they have.
  void check_no_room_for(const Client& client) {
    size_t bytes = client.bytes();
    for (Client& other : clients_) {
      if (&other == &client || id_of(other) == FetchSessionId(0)) continue;
      bytes += other.bytes();
      check(now() - other.used < fetch_session_idle_min, "session {} was idle, and kept its room", other.id);
    }
    check(bytes > sessions_bytes_max, "{} bytes found no room", bytes);
  }

  // What one hears is checked against what all of the answers were.
  void answer(Client& client) {
    kafka::FetchResponse response = some_response(*std::exchange(client.asked, std::nullopt));
    const auto all = response;
    client.session.finish(response);
    bool alive = response.session_id != FetchSessionId(0);
    check(!alive || response.session_id == client.id, "session {} became {}", client.id, response.session_id);
    auto before = client.told;
    std::set<Place> heard;
    for_each(response, [&](const Place& place, const Answer& one) {
      client.told.insert_or_assign(place, told_of(one));
      heard.insert(place);
    });
    client.had_records.clear();
    for_each(all, [&](const Place& place, const Answer& one) {
      Told truth = told_of(one);
      bool records = one.records->bytes() > 0;
      if (records) client.had_records.insert(place);
      bool old = before.contains(place) && before.at(place) == truth;
      bool news = records || truth.failed || !old || !client.incremental || !alive;
      check(heard.contains(place) == news, "partition {}: told {}, news {}", one.partition_index,
            heard.contains(place), news);
    });
  }
  static Told told_of(const Answer& one) {
    return {one.high_watermark, one.log_start_offset, one.error_code != KafkaError::none};
  }
  static void for_each(const kafka::FetchResponse& response, const auto& visit) {
    for (const auto& topic : response.responses) {
      for (const Answer& one : topic.partitions) visit(place_of(topic, one.partition_index), one);
    }
  }

  // Few values, so that many are what they were.
  kafka::FetchResponse some_response(const kafka::FetchRequest& asked) {
    kafka::FetchResponse response;
    for (const auto& topic : asked.topics) {
      auto& out = response.responses.emplace_back();
      out.topic = topic.topic;
      out.topic_id = topic.topic_id;
      for (const Partition& partition : topic.partitions) {
        uint8_t byte = take_byte(input_);
        Answer& one = out.partitions.emplace_back();
        one.partition_index = partition.partition;
        one.error_code = byte % 8 == 7 ? KafkaError::offset_out_of_range : KafkaError::none;
        one.high_watermark = Offset(byte >> 5 & 1);
        one.log_start_offset = Offset(byte >> 6 & 1);
        one.records = kafka::Records();
        if (byte % 8 == 1) one.records->pieces.emplace_back(Bytes{byte});
      }
    }
    return response;
  }

  // The session's; no answer is needed for it.
  static FetchSessionId id_of(Client& client) {
    kafka::FetchResponse none;
    client.session.finish(none);
    return none.session_id;
  }

  // Who was idle for long may have lost its session; nobody else has. All others count.
  void look_at_all() {
    size_t bytes = 0;
    for (Client& client : clients_) {
      if (client.id != FetchSessionId(0) && id_of(client) == FetchSessionId(0)) {
        check(now() - client.used >= fetch_session_idle_min, "session {} was lost early", client.id);
        client.end();
      }
      bytes += client.bytes();
    }
    check(all_->bytes() == bytes, "{} bytes are counted, {} held", all_->bytes(), bytes);
    check(bytes <= sessions_bytes_max, "{} bytes are held", bytes);
  }

  BytesView input_;
  engine::StepShards shards_;
  std::shared_ptr<FetchSessions> all_ = std::make_shared<FetchSessions>(sessions_bytes_max);
  std::array<Client, 3> clients_{Client(all_), Client(all_), Client(all_)};
};

}  // namespace
}  // namespace pabal::doors

PABAL_FUZZ(fetch_session) { pabal::doors::Play(input).run(); }
