#pragma once

#include <array>
#include <atomic>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "engine/embedded_parts.h"
#include "engine/memory_logs.h"
#include "engine/recovery.h"
#include "engine/request.h"
#include "engine/tail_cache.h"
#include "log/journal.h"
#include "log/journal_format.h"

namespace pabal::engine {

// Puts all changes of all logs into one order: the journal's. Owns the journal and every log's next offset;
// runs on the journal executor alone. Requests come from any thread.
//
//   requests -> pending -> group: offsets, one block -> write, flush -> visible, answered -> effects ->
//   segments
//
// While one group is being flushed the next requests gather, so that one flush serves all that wait on any
// shard. After a request was answered its change is durable and visible; answers and offsets of one log come
// in order. Effects are handed to the segment writer in rounds.
//
// A group of commits that no log asks to be flushed is seen and answered once it is written, or, where all
// its logs are kept in memory, without. What is written and not flushed is covered by the next flush of
// anybody, and flushed behind the work after unflushed_bytes_max or unflushed_time_max. See LogState for
// their offsets.
class Sequencer : public std::enable_shared_from_this<Sequencer> {
 public:
  Sequencer(Recovered recovered, IoExecutors io);

  // Any thread. `flush_later` has flush_is_due() called after unflushed_time_max.
  void start(std::function<void()> flush_later);
  void flush_is_due();
  void submit(std::unique_ptr<Request> request);
  void look_at_retention();
  void look_at_space();
  // Answers on the journal executor with a checkpoint of all that was durable when it was asked, whose files
  // stay until release(). One at a time.
  using Held = std::move_only_function<void(Result<log::Checkpoint>)>;
  void hold(Held held);
  void release();
  // Answers on the journal executor when all that was submitted is durable and a checkpoint is written.
  void stop(std::move_only_function<void()> stopped);
  [[nodiscard]] std::vector<double> recent_commit_seconds() const;
  [[nodiscard]] uint64_t waiting_bytes() const { return waiting_bytes_; }
  [[nodiscard]] uint64_t journal_bytes() const { return journal_bytes_; }
  [[nodiscard]] uint64_t free_bytes() const { return free_bytes_; }

 private:
  enum class Admitted { yes, answered, no_room };
  using RequestPtr = std::unique_ptr<Request>;

  template <class F>
  void post(F work);
  void schedule();
  void run();

  // sequencer_group.cc: one group from admission to answer.
  void form_group();
  Admitted admit(RequestPtr& request);
  Result<void> admissible(const Request& request);
  Result<void> admit_commit(Request& request);
  Result<bool> admit_change(Request& request);
  void encode(Request& request);
  void commit_group();
  Result<void> make_durable();
  Result<void> write_block();
  void reserve_offsets(const std::shared_ptr<LogState>& log, Offset from);
  void on_flushed();
  void take_back_reservations();
  void publish_group();
  void publish(Request& request);
  void publish_append(const std::shared_ptr<LogState>& log, LogAppend& append);
  void publish_trim(Request& request);
  void publish_remove(Request& request);
  void publish_open(Request& request);
  void touch(const std::shared_ptr<LogState>& log);
  void take_back_group(const Error& failure);
  void answer(RequestPtr request, Result<CommitResult> result);
  void remember_time(Instant since);

  // sequencer.cc: the journal's files, the disk and the segment writer.
  void check_space();
  void flush_behind();
  void on_flush_behind(uint64_t lsn, const Result<void>& done);
  void go_read_only(const Error& failure);
  void hand_over();
  void on_round(RoundResult result);
  void compact();
  void on_compaction(SegmentWriter::CompactionStep step);
  void prepare_spare(bool wanted_now);
  void on_spare(Result<log::JournalFile> file);
  void note_disk_failure(const Error& failure);
  [[nodiscard]] bool wants_round(Instant now) const;
  void say_behind();
  [[nodiscard]] bool segments_are_behind() const { return unwritten_bytes_ > limits_.unwritten_bytes_max; }
  void answer_hold(Result<log::Checkpoint> result);
  void stop_if_done();

  std::shared_ptr<EmbeddedParts> parts_;
  const EmbeddedLimits& limits_;
  IoExecutors io_;

  // Any thread's.
  RequestQueue submitted_;
  std::atomic<bool> run_posted_ = false;
  std::atomic<uint64_t> waiting_bytes_ = 0;
  std::atomic<uint64_t> journal_bytes_ = 0;
  std::atomic<uint64_t> free_bytes_ = 0;
  static constexpr size_t recent_max = 1024;
  std::array<std::atomic<float>, recent_max> recent_seconds_{};
  std::atomic<size_t> recent_count_ = 0;

  // The journal executor's.
  log::Journal journal_;
  log::BlockBuilder builder_;
  std::deque<RequestPtr> pending_;
  std::vector<RequestPtr> group_;
  std::vector<std::shared_ptr<LogState>> touched_;
  Deliveries deliveries_;
  TailCache cache_;
  MemoryLogs memory_;
  bool group_flushes_ = false;  // the group that is being formed is answered after a flush
  uint64_t group_lsn_ = 0;
  std::vector<Effect> group_reserves_;
  struct Reserving {
    std::shared_ptr<LogState> log;
    log::Reservation reservation;
    uint64_t lsn;  // of its block
  };
  std::deque<Reserving> reserving_;  // by lsn: they count once their block is flushed
  uint64_t unflushed_bytes_ = 0;     // written to the journal since a flush began
  bool flush_armed_ = false;         // flush_is_due() will be called
  bool flush_due_ = false;
  bool flushing_ = false;  // behind the work
  std::function<void()> flush_later_;
  std::vector<Effect> effects_;
  uint64_t effects_bytes_ = 0;    // not handed over
  uint64_t unwritten_bytes_ = 0;  // not in segments
  bool round_running_ = false;
  bool preparing_ = false;
  bool compacting_ = false;
  bool checkpoint_wanted_ = false;
  bool retention_wanted_ = false;
  bool disk_failed_ = false;  // a round or a new journal file found no space
  Instant retry_at_ = Instant::min();
  Instant behind_said_until_ = Instant::min();
  Instant space_checked_at_ = Instant::min();
  bool below_reserve_ = false;
  std::set<LogId> removed_;  // their files may still be there
  Held held_;                // who waits for the next checkpoint
  std::move_only_function<void()> stopped_;
  bool stopping_round_ = false;
};

}  // namespace pabal::engine
