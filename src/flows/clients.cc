#include "flows/clients.h"

#include <algorithm>

namespace pabal::flows {

void Clients::see(const Seen& seen) {
  Name name{.topic = std::string(seen.topic),
            .publishes = seen.kind == SeenKind::produced,
            .service = std::string(seen.service),
            .address = std::string(seen.peer),
            .user = std::string(seen.reason)};
  auto known = all_.find(name);
  if (known == all_.end() && all_.size() >= clients_max) {
    ++refused_;
    return;
  }
  if (known == all_.end()) known = all_.try_emplace(std::move(name)).first;
  known->second.last_seen = std::max(known->second.last_seen, seen.at);
  known->second.last_instant = std::max(known->second.last_instant, seen.instant);
}

void Clients::forget(Instant now, Duration remembered) {
  std::erase_if(all_, [&](const auto& client) { return now - client.second.last_instant > remembered; });
}

void Clients::forget_topic(std::string_view topic) {
  std::erase_if(all_, [&](const auto& client) { return client.first.topic == topic; });
}

}  // namespace pabal::flows
