#include "flows/group_readers.h"

#include <algorithm>

#include "base/units.h"

namespace pabal::flows {

using nlohmann::json;

NodeName group_node(const GroupLook& group) { return {NodeKind::group, group.info.name}; }

NodeName kafka_client_node(const std::string& client) {
  return caller_node(client.empty() ? unnamed_kafka_client : std::string_view(client));
}

GroupReaders::GroupReaders(const Facts& facts) {
  for (const GroupFacts& group : facts.groups) {
    const GroupLook& look = group.look;
    for (size_t i = 0; i < look.members.size(); ++i) {
      std::string client = kafka_client_node(look.info.members[i].client).name;
      for (const auto& topic : look.members[i].assigned) {
        groups_[{topic.topic, client}].insert(look.info.name);
      }
    }
  }
  for (const Seen& client : facts.memory.clients.all()) {
    services_[client.first.service].push_back(&client);
    topics_[client.first.topic].push_back(&client);
  }
}

const std::set<std::string>& GroupReaders::groups_of(const std::string& topic,
                                                     const std::string& client) const {
  static const std::set<std::string> none;
  auto found = groups_.find({topic, client});
  return found == groups_.end() ? none : found->second;
}

json GroupReaders::json_of(std::vector<const Seen*> clients) {
  std::ranges::sort(clients, [](const Seen* a, const Seen* b) {
    return std::tuple(b->second.last_seen, a->first) < std::tuple(a->second.last_seen, b->first);
  });
  json list = json::array();
  std::set<std::tuple<std::string, std::string, std::string>> told;
  for (const Seen* client : clients) {
    const Clients::Name& name = client->first;
    if (list.size() == clients_shown_max) break;
    if (!told.insert({name.service, name.address, name.user}).second) continue;
    list.push_back({{"client", name.service},
                    {"address", name.address},
                    {"user", name.user.empty() ? json(nullptr) : json(name.user)},
                    {"last_seen", format_time(client->second.last_seen)}});
  }
  return list;
}

json GroupReaders::clients_json(const NodeName& service) const {
  auto found = services_.find(service.name);
  return found == services_.end() ? json::array() : json_of(found->second);
}

json GroupReaders::clients_json(const NodeName& from, const NodeName& to) const {
  bool publishes = to.kind == NodeKind::topic;
  const NodeName& topic = publishes ? to : from;
  const NodeName& other = publishes ? from : to;
  auto found = topics_.find(topic.name);
  if (topic.kind != NodeKind::topic || found == topics_.end()) return json::array();
  std::vector<const Seen*> clients;
  for (const Seen* client : found->second) {
    const Clients::Name& name = client->first;
    if (name.publishes != publishes) continue;
    bool is_it = other.kind == NodeKind::group ? groups_of(topic.name, name.service).contains(other.name)
                                               : name.service == other.name;
    if (is_it) clients.push_back(client);
  }
  return json_of(std::move(clients));
}

}  // namespace pabal::flows
