#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "broker/wakeup.h"
#include "doors/kafka/dispatch.h"
#include "runtime/wire.h"

namespace pabal::doors {

struct KafkaLimits {
  size_t connections_max = 2'000;
  size_t frame_bytes_max = 32_MiB;
  size_t frames_bytes_max = 512_MiB;                  // of all requests being read or answered together
  Duration frame_timeout = std::chrono::seconds(30);  // from the first byte of a request to its last
  Duration idle_timeout = std::chrono::minutes(10);   // between requests
  Duration write_timeout = std::chrono::seconds(30);  // a peer that takes nothing for so long is dropped
};

// What all connections of the door share. Outlives them.
struct KafkaShared {
  KafkaParts parts;
  KafkaLimits limits = {};
  std::string advertised_host = {};
  int32_t advertised_port = 0;
  std::atomic<bool> stopping = false;
  std::atomic<size_t> connections = 0;
  std::atomic<size_t> frames_bytes = 0;
};

// One client: a coroutine that reads a request, answers it, and reads the next, so that answers come in order
// and a client that does not read its answers is not read from either. Holds at most one request and one
// answer. A request that cannot be answered ends the connection with a line in the log. Belongs to one shard.
class KafkaConnection : public std::enable_shared_from_this<KafkaConnection> {
 public:
  KafkaConnection(std::shared_ptr<KafkaShared> shared, runtime::Shard& shard,
                  std::shared_ptr<runtime::Wire> wire);

  runtime::Task<> run();
  // Ends a wait for records, answers what is being worked on, then closes.
  void stop();
  void cut() { wire_->close(); }

 private:
  // Bytes of a request, counted among those of all connections as long as it lives.
  struct Claim;

  runtime::Task<Result<size_t>> read_size();
  runtime::Task<Result<SharedBytes>> read_frame(size_t bytes);
  runtime::Task<Result<void>> read_exactly(uint8_t* into, size_t bytes);
  runtime::Task<KafkaReply> answer(SharedBytes frame);
  runtime::Task<Result<void>> serve_one();
  runtime::Task<bool> send(std::vector<SharedBytes> reply);

  std::shared_ptr<KafkaShared> shared_;
  runtime::Shard& shard_;
  std::shared_ptr<runtime::Wire> wire_;
  std::string peer_;
  broker::Wakeup wakeup_;
  bool busy_ = false;
  bool stopping_ = false;
};

}  // namespace pabal::doors
