#pragma once

#include <string>

#include "broker/broker_fixture.h"
#include "doors/kafka/calls.h"

namespace pabal::doors {

// For tests of calls: a broker on the memory engine, and a client who asks in a version of its own.
class KafkaFixture : public broker::BrokerFixture {
 protected:
  template <class Response, class Request>
  Response ask(Answer<Response> (*call)(KafkaCall&, Request), Request request, int16_t version) {
    KafkaParts parts{.shards = shards,
                     .broker = *broker,
                     .engine = *engine,
                     .observatory = observatory_,
                     .data_directory = "/data/pabal"};
    kafka::RequestHeader header{.version = kafka::ApiVersion(version)};
    broker::Wakeup wakeup(shards.at(0).executor());
    KafkaCall here{.parts = parts,
                   .shard = shards.at(0),
                   .header = header,
                   .peer = peer_,
                   .advertised_host = host_,
                   .advertised_port = 9092,
                   .session = asker_ ? *asker_ : session_,
                   .wakeup = wakeup,
                   .stopping = stopping_,
                   .fetch_session = fetch_session_};
    return shards.run(call(here, std::move(request))).value();
  }
  broker::TopicInfo info(const std::string& topic) { return shards.run(broker->topic(topic)).value(); }
  // Calls are asked by this one from here on; nullptr: by somebody who may do everything.
  void ask_as(Session* asker) { asker_ = asker; }
  bool exists(const std::string& topic) { return shards.run(broker->topic(topic)).has_value(); }
  void make(const std::string& topic, broker::TopicChange change = {}) {
    ASSERT_TRUE(shards.run(broker->put_topic(topic, std::move(change))));
  }

 private:
  std::string peer_ = "127.0.0.1:40000";
  std::string host_ = "127.0.0.1";
  bool stopping_ = false;
  flows::Observatory observatory_{shards};
  KafkaAccess access_;
  Session session_{access_, shards.at(0)};
  Session* asker_ = nullptr;
  std::shared_ptr<FetchSessions> fetch_sessions_ = std::make_shared<FetchSessions>(fetch_sessions_bytes_max);
  FetchSession fetch_session_{fetch_sessions_};
};

}  // namespace pabal::doors
