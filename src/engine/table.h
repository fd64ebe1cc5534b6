#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "engine/commit_builder.h"
#include "engine/engine.h"
#include "runtime/timers.h"

namespace pabal::engine {

struct TableOptions {
  std::string name;  // of the log, for people
  // Of the log, when it is made. Below flushed a crash takes the latest changes, and in memory a stop takes
  // all: together with whatever else their commits held, when that asks for no more.
  Durability durability = Durability::flushed;
  size_t entries_max = 1'000'000;
  size_t bytes_max = 256_MiB;  // keys and values
  // The log is written anew when it holds more records than this and than four times the live entries.
  int64_t rewrite_records_min = 4096;
  size_t rewrite_piece_records = 512;
};

struct TableChange {
  std::string key;
  std::optional<std::string> value;      // nullopt removes the entry
  std::optional<WallTime> expires = {};  // a put is as good as removed from then on
};
using TableChanges = std::vector<TableChange>;

// A durable map of strings, kept as a log: every change is a record, opening replays it. Changes are staged
// into a commit and shown by the map when that commit has succeeded, so a change lands together with
// whatever else the commit holds. Belongs to one shard; the engine and the timers must outlive it.
//
// In the log a put is (key, value), with header `x` = expiry in ms; a removal has no value; markers have no
// key. The log is kept short by a rolling snapshot: a `begin` marker, all live entries in bounded pieces
// (with header `s`) amid other changes, an `end` marker; then the log is trimmed up to `begin`. A snapshot
// entry yields to any change of its key after `begin`, so the pieces need not be taken at one moment, and a
// crash at any point leaves either the log before or the snapshot whole.
class Table {
 public:
  struct Entry {
    std::string value;
    std::optional<WallTime> expires;
  };
  using Map = std::map<std::string, Entry, std::less<>>;

  // Continues on the shard it is awaited on, which is then the table's.
  static runtime::Task<Result<std::unique_ptr<Table>>> open(Engine& engine, runtime::Timers& timers,
                                                            LogId log, TableOptions options);
  ~Table();
  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // The value, or nullptr. Valid until the next call that changes the table.
  [[nodiscard]] const std::string* find(std::string_view key) const;
  // Includes entries that have expired since the last change.
  [[nodiscard]] const Map& entries() const;
  [[nodiscard]] size_t size() const { return entries().size(); }
  // Takes out of memory what has expired; staging does so too.
  void drop_expired();

  // Changes on their way: given back to apply() when the commit succeeded, destroyed when it did not. Must
  // not outlive the table.
  class Staged {
   public:
    Staged(Staged&& other) noexcept;
    Staged& operator=(Staged&&) = delete;
    ~Staged();

   private:
    friend class Table;
    Staged(Table& table, TableChanges changes, size_t entries, size_t bytes);
    Table* table_;
    TableChanges changes_;
    size_t entries_;
    size_t bytes_;
  };

  // Adds the changes to the commit; over_limit when the table would hold too much, staged changes included.
  Result<Staged> stage(CommitBuilder& commit, TableChanges changes);
  // Shows the changes. Staged changes must be applied in the order their commits were made, as the engine
  // completes them. Later changes of one key win.
  void apply(Staged staged);
  // stage, commit, apply in one, for changes that stand alone. May use the disk reserve.
  runtime::Task<Result<void>> change(TableChanges changes);

  // Records the log holds now, markers included.
  [[nodiscard]] int64_t log_records() const;
  [[nodiscard]] LogId log() const;
  [[nodiscard]] bool rewriting() const;
  // Ends a rewrite of the log at its next piece; returns when it has ended.
  runtime::Task<> stop();

 private:
  struct Impl;
  explicit Table(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;  // shared with a running rewrite
};

}  // namespace pabal::engine
