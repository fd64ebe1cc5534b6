#pragma once

#include <memory>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "doors/http/position.h"
#include "doors/http/record_reader.h"
#include "doors/http/record_start.h"
#include "runtime/http.h"

namespace pabal::doors {

constexpr Duration comment_interval = std::chrono::seconds(15);

// One client that follows a topic as Server-Sent Events. Every event's id is the position behind it over all
// partitions, so that a client that comes back with the last one misses and repeats nothing. A reader too
// slow for the topic slows only itself. Lives on the connection's shard until the client leaves, the topic is
// deleted or the server stops.
class RecordStream {
 public:
  struct Options {
    std::string topic = {};
    Position position = {};
    std::vector<Reset> resets = {};
    RecordFilter filter = {};
    std::optional<PartitionIndex> only = {};  // else partitions that are added join in
  };
  RecordStream(broker::Broker& broker, const Clock& clock, Options options)
      : broker_(broker), clock_(clock), options_(std::move(options)) {}

  static runtime::Task<> run(std::shared_ptr<RecordStream> self, runtime::HttpStream& out);

 private:
  runtime::Task<Result<bool>> send_new(runtime::HttpStream& out);
  runtime::Task<Result<bool>> send_partition(runtime::HttpStream& out, PartitionIndex partition);
  runtime::Task<Result<void>> wait(runtime::HttpStream& out);
  runtime::Task<Result<void>> catch_up_with_topic(runtime::HttpStream& out);
  runtime::Task<Result<void>> send_resets(runtime::HttpStream& out, std::vector<Reset> resets);

  broker::Broker& broker_;
  const Clock& clock_;
  Options options_;
};

// One Server-Sent Event; `data` may have several lines.
void append_event(std::string& out, std::string_view event, std::string_view id, std::string_view data);
// The fields of every answer that is a stream of events.
[[nodiscard]] runtime::HttpResponse event_stream_answer();

}  // namespace pabal::doors
