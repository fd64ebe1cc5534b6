#pragma once

#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "broker/broker.h"
#include "broker/queue_core.h"
#include "engine/commit_builder.h"

namespace pabal::broker {

// Puts a queue's dead letters back into its own log, piece by piece: each piece is one commit of the messages
// and of the marks that they have been put back, so that stopping or a crash between pieces neither loses nor
// doubles any. One shard.
class Redrives {
 public:
  explicit Redrives(std::shared_ptr<QueueCore> core) : core_(std::move(core)) {}

  [[nodiscard]] Result<RedriveProgress> start(const Broker::Redrive& redrive);
  [[nodiscard]] Result<RedriveProgress> progress(const std::string& id) const;
  // No piece begins after this returns.
  [[nodiscard]] Result<RedriveProgress> stop(const std::string& id);
  void stop_all();
  [[nodiscard]] bool running() const;

 private:
  struct Job {
    RedriveProgress progress;
    bool all = false;
    std::set<std::string> ids;
    double rate = 0;
    std::map<PartitionIndex, Offset> next;  // where to read on
    std::map<PartitionIndex, Offset> end;   // what dies from now on is not for this redrive
    bool stopping = false;
  };
  struct Piece;

  static runtime::Task<> run(std::shared_ptr<QueueCore> core, std::shared_ptr<Job> job);
  static runtime::Task<Result<bool>> move_piece(std::shared_ptr<QueueCore> core, std::shared_ptr<Job> job);
  static runtime::Task<Result<void>> collect(QueueCore& core, Job& job, Piece& piece);
  static void collect_batch(QueueCore& core, Job& job, PartitionIndex partition, BytesView batch,
                            Piece& piece);
  static runtime::Task<Result<void>> commit(QueueCore& core, Piece& piece);
  static void tell(const QueueCore& core, const Piece& piece);

  static constexpr size_t piece_messages_max = 100;
  static constexpr size_t jobs_kept_max = 100;
  static constexpr size_t ids_max = 10'000;

  std::shared_ptr<QueueCore> core_;
  std::map<std::string, std::shared_ptr<Job>> jobs_;  // by id, which sorts by time
};

}  // namespace pabal::broker
