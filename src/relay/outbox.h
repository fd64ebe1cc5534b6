#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/clock.h"
#include "relay/database.h"

namespace pabal::relay {

// One event on its way from a service's database to a topic. `headers` and `payload` are JSON texts.
struct OutboxRow {
  int64_t position = 0;  // the order of commits; also the sequence it is published with
  std::string id = {};   // of the event
  std::string topic = {};
  std::string type = {};
  std::string key = {};
  std::string payload = {};
  std::string headers = "{}";  // {"name": "value"}
  WallTime created_at = {};
  std::string status = "waiting";  // waiting, done, failed
  int64_t attempts = 0;
  std::string last_error = {};
};

enum class OutboxTable {
  outbox,            // written with the business change, emptied by the relay process
  publish_failures,  // events that could not be published directly
};

// The table where a service leaves events in the same transaction as its change. SQLite has one writer, so
// the order of positions is the order of commits. Every function runs within the caller's transaction.
//
//   position    INTEGER PRIMARY KEY AUTOINCREMENT   never used twice, also not by a row that is sent again
//   id          TEXT UNIQUE                         of the event
//   topic, type, key TEXT · payload, headers TEXT (JSON) · created_at INTEGER (ms)
//   status      TEXT                                waiting | done | failed
//   attempts    INTEGER · last_error TEXT
class Outbox {
 public:
  explicit Outbox(OutboxTable table = OutboxTable::outbox);

  // Makes the table when it is missing, and the identity of its positions.
  Result<void> create(Transaction& tx) const;
  // False when the table is missing.
  Result<bool> exists(Transaction& tx) const;
  // A name that no other table of positions has: a new database must not be taken for the old one, whose
  // sequences the server remembers.
  Result<std::string> identity(Transaction& tx) const;

  // Status, position and attempts are set here. `conflict` when the id is there.
  Result<void> add(Transaction& tx, const OutboxRow& row) const;
  // The next ones to be sent, by position, without those of some topics.
  Result<std::vector<OutboxRow>> waiting(Transaction& tx, int64_t rows_max,
                                         std::span<const std::string> except_topics = {}) const;
  // Rows of a status (empty: all), the newest last.
  Result<std::vector<OutboxRow>> list(Transaction& tx, std::string_view status, int64_t rows_max) const;
  struct Counts {
    int64_t waiting = 0;
    int64_t done = 0;
    int64_t failed = 0;
  };
  Result<Counts> counts(Transaction& tx) const;

  Result<void> mark_done(Transaction& tx, std::span<const int64_t> positions) const;
  Result<void> mark_failed(Transaction& tx, int64_t position, std::string_view why) const;
  // Another attempt did not succeed; the row waits on.
  Result<void> note_attempt(Transaction& tx, int64_t position, std::string_view why) const;
  // Gives failed rows (all, or those with these event ids) a new position and lets them wait again; how many.
  Result<int64_t> retry(Transaction& tx, std::span<const std::string> ids) const;
  // Removes rows that were done before `older_than`, and done rows beyond the newest `done_rows_max`; some
  // at a time, how many.
  Result<int64_t> prune(Transaction& tx, WallTime older_than, int64_t done_rows_max) const;

 private:
  [[nodiscard]] std::string sql(std::string_view text) const;  // with the table's name for "{}"
  Result<std::vector<OutboxRow>> select(Transaction& tx, std::string_view condition, std::string_view order,
                                        int64_t rows_max, std::span<const Value> parameters) const;

  std::string_view table_;
};

}  // namespace pabal::relay
