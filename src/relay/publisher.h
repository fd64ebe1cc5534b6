#pragma once

#include <optional>
#include <span>
#include <string>

#include "base/clock.h"
#include "relay/outbox.h"
#include "runtime/http_client.h"

namespace pabal::relay {

enum class Published {
  stored,   // durable, now or before
  refused,  // wrong for good: sending the same again cannot help
  later,    // not now, or the outcome is unknown: sending the same again settles it
};

struct PublishAnswer {
  Published outcome = Published::later;
  std::string why = {};                      // when it is not stored
  int64_t duplicates = 0;                    // of these records the server had stored before
  std::optional<Duration> retry_after = {};  // what the server asked for
  bool server_answered = false;              // the trouble is with this topic, not with the way to the server
};

// Sends rows of an outbox to the server's HTTP API. One thread at a time; blocks until the answer or the
// deadline.
class Publisher {
 public:
  struct Options {
    runtime::Url server;
    std::string service;     // Pabal-Service: whom the flow graph shows
    std::string token = {};  // secret
  };
  explicit Publisher(Options options);

  // Rows of one topic by ascending position; all of them are stored or none. With a producer each carries its
  // position as its sequence, so a row that was stored before is stored once, for ever; without one the first
  // row's id is the idempotency key of the call, which the server remembers for some minutes.
  PublishAnswer publish(std::string_view topic, std::span<const OutboxRow> rows, std::string_view producer,
                        Deadline deadline);

 private:
  Options options_;
  runtime::BlockingHttpClient client_;
};

// The JSON record of a row: its event in CloudEvents' Kafka binding. With `sequenced`, its position too.
[[nodiscard]] std::string record_json(const OutboxRow& row, bool sequenced);

}  // namespace pabal::relay
