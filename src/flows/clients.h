#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/clock.h"
#include "flows/seen.h"

namespace pabal::flows {

// A client of a door that knows more of it than a name: who it says it is, where it connects from, and whom
// it logged in as. Told once for each call and topic, not for each record.
struct ClientSeen {
  bool publishes = false;  // else it reads
  std::string_view topic;
  std::string_view service;  // its client id
  std::string_view address;  // without the port
  std::string_view user = {};
  int64_t records = 0;
};

// A caller without a client id.
constexpr std::string_view unnamed_kafka_client = "Kafka";

// Who publishes to which topic and who reads it, by address and user. Bounded; forgotten an hour after they
// were last seen. One thread at a time.
class Clients {
 public:
  static constexpr size_t clients_max = 8'000;

  struct Name {
    std::string topic;
    bool publishes;
    std::string service;
    std::string address;
    std::string user;
    friend auto operator<=>(const Name&, const Name&) = default;
  };
  struct Times {
    WallTime last_seen = {};
    Instant last_instant = {};
  };

  // Of kinds `produced` and `fetched`.
  void see(const Seen& seen);
  void forget(Instant now, Duration remembered);
  void forget_topic(std::string_view topic);

  [[nodiscard]] const std::map<Name, Times>& all() const { return all_; }
  [[nodiscard]] int64_t refused() const { return refused_; }  // found no place

 private:
  std::map<Name, Times> all_;
  int64_t refused_ = 0;
};

}  // namespace pabal::flows
