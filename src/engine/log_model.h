#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "engine/engine.h"
#include "log/record_batch.h"

namespace pabal::engine {

// What logs must hold, by what was promised and by what was seen. Finds the first broken promise and keeps
// it. Records say in their value which commit they are of, so that what is read can be judged: "7/1/0 xxxx"
// is record 0 of part 1 of commit 7. Its timestamp is the commit's number in milliseconds.
class LogModel {
 public:
  struct Part {
    size_t log;  // its number in the model
    int records;
  };
  struct Log {
    LogId id;
    bool opened = false;  // acknowledged
    bool delete_begun = false;
    bool deleted = false;                       // acknowledged
    std::map<int64_t, std::string> known = {};  // by offset: acknowledged or seen
    int64_t next_seen = 0;                      // acknowledged or seen as high watermark
    int64_t first_seen = 0;                     // acknowledged or seen as beginning
    int64_t first_asked = 0;                    // the furthest trim that was ever asked for
    int64_t next_at_start = 0;                  // of this life of the machine
    bool retained = false;                      // retention may trim it, too
    std::optional<int64_t> pinned = {};         // but not above this
    Durability durability = Durability::flushed;
    int64_t safe_below = 0;       // of one that is not flushed: what a flush has covered
    int64_t life_from = 0;        // what the running process has given
    std::set<int64_t> gone = {};  // known, and lost by a crash
  };

  [[nodiscard]] const std::optional<std::string>& problem() const { return problem_; }
  void fail(std::string problem) {
    if (!problem_) problem_ = std::move(problem);
  }
  [[nodiscard]] std::vector<Log>& logs() { return logs_; }
  [[nodiscard]] size_t acknowledged() const { return acknowledged_; }

  // A new life of the machine; what is checked afterwards is compared with what came before.
  void begin_life();

  // A commit that is about to be made. Returns its number.
  size_t begin_commit(std::vector<Part> parts);
  [[nodiscard]] static std::string value_of(size_t commit, size_t part, int record, size_t padding);
  [[nodiscard]] static WallTime time_of(size_t commit);
  // It was acknowledged, as heard on `lane`.
  void acknowledged(size_t commit, const CommitResult& offsets, size_t lane);
  // After a start: from now on it counts what is still there. What was seen before a crash may have gone with
  // it where it was not flushed; where it was, each log's own promise covers it.
  void begin_inspection();
  // Before anything else of the log is looked at: a log that is not flushed may have lost what it may
  // lose.
  void begin_look(Log& log, const LogRange& range);
  // All of it has been read: what it says of its losses must cover them.
  void end_look(Log& log, const LogRange& range);
  // The process stopped in order: nothing that is written may be lost from now on.
  void stopped_cleanly();
  // No record was found in [from, to).
  void saw_gap(Log& log, Offset from, Offset to);
  // A log was seen to reach from `range.first` to `range.next`.
  void saw_range(Log& log, const LogRange& range);
  // Batches that a read from `from` gave. Returns one past the last offset.
  Offset saw_batches(Log& log, Offset from, const ReadResult& read);
  // find_time(time) said `found`; the log was seen to reach from `before` to `after`.
  void saw_time(Log& log, WallTime time, Offset found, const LogRange& before, const LogRange& after);
  // All logs have been read after a restart: judges what commits left of themselves.
  void check_commits();
  // The log is not there.
  void missing(const Log& log);

 private:
  struct Commit {
    std::vector<Part> parts;
    std::set<std::pair<size_t, int>> seen = {};  // part, record
    bool acknowledged = false;
    std::map<size_t, int64_t> covers = {};  // by log: what its flush makes safe
  };
  [[nodiscard]] static int64_t first_max(const Log& log, Offset next);
  void saw_record(Log& log, Offset offset, const std::string& value, WallTime time);

  std::vector<Log> logs_;
  std::map<size_t, Commit> commits_;  // of this life
  size_t commit_count_ = 0;
  size_t acknowledged_ = 0;
  std::map<std::pair<size_t, size_t>, int64_t> last_heard_;  // by lane and log: the last offset acknowledged
  std::set<std::pair<size_t, std::string>> values_;          // by log, all that is known
  std::optional<std::string> problem_;
};

}  // namespace pabal::engine
