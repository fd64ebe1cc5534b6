#pragma once

#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <string>
#include <vector>

#include "flows/facts.h"

namespace pabal::flows {

// Which Kafka clients stand at the ends of a line of the flow graph, and in which groups they are. A fetch
// does not say its group: it is that of the member with this client id that has the topic.
class GroupReaders {
 public:
  explicit GroupReaders(const Facts& facts);

  // By name; empty for a reader that is in none.
  [[nodiscard]] const std::set<std::string>& groups_of(const std::string& topic,
                                                       const std::string& client) const;
  // `[{"client", "address", "user", "last_seen"}]`, the latest first; at most clients_shown_max.
  [[nodiscard]] nlohmann::json clients_json(const NodeName& from, const NodeName& to) const;
  [[nodiscard]] nlohmann::json clients_json(const NodeName& service) const;
  [[nodiscard]] bool is_kafka_client(const std::string& service) const { return services_.contains(service); }

  static constexpr size_t clients_shown_max = 20;

 private:
  using Seen = std::pair<const Clients::Name, Clients::Times>;
  [[nodiscard]] static nlohmann::json json_of(std::vector<const Seen*> clients);

  std::map<std::pair<std::string, std::string>, std::set<std::string>> groups_;  // of a topic and a client
  std::map<std::string, std::vector<const Seen*>> services_;
  std::map<std::string, std::vector<const Seen*>> topics_;
};

[[nodiscard]] NodeName group_node(const GroupLook& group);
[[nodiscard]] NodeName kafka_client_node(const std::string& client);

}  // namespace pabal::flows
