#pragma once

#include <string>

#include "broker/broker.h"
#include "broker/names.h"
#include "broker/wakeup.h"
#include "doors/kafka/fetch_session.h"
#include "doors/kafka/session.h"
#include "engine/engine.h"
#include "flows/observatory.h"
#include "protocol/kafka/header.h"
#include "runtime/shards.h"

namespace pabal::doors {

// Pabal is one broker with this number, the controller and the leader of everything.
constexpr kafka::BrokerId only_broker{1};
constexpr size_t client_id_bytes_max = 255;
constexpr std::string_view cluster_id = "pabal";

// What every call of the Kafka door can reach.
struct KafkaParts {
  runtime::Shards& shards;
  broker::Broker& broker;
  engine::Engine& engine;
  flows::Observatory& observatory;
  bool auto_create_topics = true;
  std::string data_directory = {};  // as clients are told
};

// One call: on which shard it runs, and what it may need. Lives until the call is answered.
struct KafkaCall {
  const KafkaParts& parts;
  runtime::Shard& shard;
  const kafka::RequestHeader& header;
  const std::string& peer;  // host:port of the client
  const std::string& advertised_host;
  int32_t advertised_port;
  Session& session;
  broker::Wakeup& wakeup;  // also wakes when the connection is told to end
  const bool& stopping;
  FetchSession& fetch_session;

  [[nodiscard]] kafka::ApiVersion version() const { return header.version; }
  // Whether the user may have a missing topic made by using it.
  [[nodiscard]] bool may_make(std::string_view topic) const {
    return parts.auto_create_topics &&
           (session.may(broker::AclOperation::create, broker::AclResource::cluster,
                        broker::cluster_resource) ||
            session.may(broker::AclOperation::create, broker::AclResource::topic, topic));
  }
  // Who calls, for the flow graph: as it names itself, else the user it logged in as.
  [[nodiscard]] std::string service() const {
    bool usable = header.client_id && !header.client_id->empty() &&
                  header.client_id->size() <= client_id_bytes_max && broker::is_utf8(*header.client_id);
    if (usable) return *header.client_id;
    std::string user = session.user();
    return user.empty() ? std::string(flows::unnamed_kafka_client) : user;
  }
  [[nodiscard]] std::string_view address() const { return std::string_view(peer).substr(0, peer.rfind(':')); }
};

}  // namespace pabal::doors
