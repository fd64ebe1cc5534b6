#pragma once

#include <atomic>
#include <deque>
#include <memory>
#include <optional>
#include <string>

#include "broker/wakeup.h"
#include "doors/kafka/byte_room.h"
#include "doors/kafka/dispatch.h"
#include "doors/kafka/frame_reader.h"
#include "runtime/certificates.h"
#include "runtime/wire.h"

namespace pabal::doors {

// What all connections of the door share. Outlives them.
struct KafkaShared {
  KafkaParts parts;
  KafkaLimits limits = {};
  KafkaAccess access = {};
  std::shared_ptr<runtime::Certificates> tls = {};  // none: in the clear
  std::string advertised_host = {};
  int32_t advertised_port = 0;
  std::atomic<bool> stopping = false;
  std::atomic<size_t> connections = 0;
  ByteRoom frames = ByteRoom(limits.frames_bytes_max);      // requests, until their answers are sent
  ByteRoom produces = ByteRoom(limits.produces_bytes_max);  // of them, not yet answered
  std::atomic<size_t> strangers = 0;
};

// One client. One coroutine reads its requests, one for each answers it, one sends the answers in the order
// of the requests.
//
//   read -> [ produce | produce | produce ] -> answers -> write
//
// A produce begins while those before it become durable, so that one flush serves them all; any other request
// begins when the answers to all before it have been sent, so that a client sees what one would that waits.
// No more is read while as much is under way as the limits say, or a request may not begin: a client that
// does not read its answers is not read from either, and neither is who produces while all connections
// together produce more than the disk takes, or sends much while their requests take all the memory they may.
// A request that cannot be answered ends the connection with a line in the log, after the answers to those
// before it. What waits for room when the server stops has not begun and is not answered. Belongs to one
// shard.
class KafkaConnection : public std::enable_shared_from_this<KafkaConnection> {
 public:
  KafkaConnection(std::shared_ptr<KafkaShared> shared, runtime::Shard& shard,
                  std::shared_ptr<FetchSessions> sessions, std::shared_ptr<runtime::Wire> wire);
  ~KafkaConnection();
  KafkaConnection(const KafkaConnection&) = delete;
  KafkaConnection& operator=(const KafkaConnection&) = delete;

  // Returns when the client or the server has ended it and nothing of it runs any more.
  runtime::Task<> run();
  // Ends a wait for records, answers what is being worked on, then closes.
  void stop();
  void cut() { wire_->close(); }

 private:
  // A request from its first byte to the last of its answer.
  struct Exchange {
    SharedBytes frame = {};  // without the size
    ByteRoom::Claim claim = {};
    std::optional<KafkaReply> reply = {};  // when it is answered
    ByteRoom::Claim produces = {};         // until then
  };

  // One place among those who have not said who they are.
  struct Stranger;

  runtime::Task<Result<void>> greet();
  runtime::Task<KafkaReply> answer_raw(const SharedBytes& frame);
  runtime::Task<> read_requests();
  runtime::Task<Result<std::shared_ptr<Exchange>>> read_request();
  runtime::Task<std::optional<ByteRoom::Claim>> room_in(ByteRoom& room, size_t bytes, Deadline deadline);
  [[nodiscard]] bool may_begin(const SharedBytes& frame) const;
  void begin(std::shared_ptr<Exchange> exchange);
  runtime::Task<KafkaReply> answer(SharedBytes frame);
  runtime::Task<> write_answers();
  runtime::Task<> write_ready();
  void end(const Error& why);

  std::shared_ptr<KafkaShared> shared_;
  runtime::Shard& shard_;
  std::shared_ptr<runtime::Wire> wire_;
  std::string peer_;
  Session session_;
  std::unique_ptr<Stranger> stranger_;
  FrameReader reader_;
  std::deque<std::shared_ptr<Exchange>> exchanges_;  // in the order of the requests
  size_t exchanges_bytes_ = 0;                       // of their requests
  size_t answering_ = 0;                             // coroutines that answer
  bool alone_ = false;                               // what is under way lets nothing begin beside it
  bool reads_ = true;
  bool broken_ = false;  // nothing more can be sent
  bool stopping_ = false;
  FetchSession fetch_session_;
  broker::Wakeup wakeup_;    // of an answer that waits for records
  broker::Wakeup room_;      // of the reader: something was sent, room came
  broker::Wakeup answered_;  // of the writer
};

}  // namespace pabal::doors
