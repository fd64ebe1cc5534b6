#include "relay/inbox.h"

namespace pabal::relay {

namespace {

constexpr int64_t prune_rows_max = 5'000;

Result<bool> changed_any(Result<Rows> rows) {
  if (!rows) return std::unexpected(std::move(rows.error()));
  return rows->changed > 0;
}

}  // namespace

Result<void> Inbox::create(Transaction& tx) const {
  for (std::string_view statement : {"CREATE TABLE IF NOT EXISTS inbox(queue TEXT NOT NULL, event_id TEXT "
                                     "NOT NULL, handled_at INTEGER NOT "
                                     "NULL, PRIMARY KEY(queue, event_id)) WITHOUT ROWID",
                                     "CREATE INDEX IF NOT EXISTS inbox_handled_at ON inbox(handled_at)"}) {
    if (auto done = tx.run(statement); !done) return std::unexpected(done.error());
  }
  return {};
}

Result<bool> Inbox::insert(Transaction& tx, std::string_view queue, std::string_view event_id,
                           WallTime now) const {
  return changed_any(
      tx.run("INSERT INTO inbox(queue, event_id, handled_at) VALUES(?, ?, ?) ON CONFLICT DO NOTHING", queue,
             event_id, int64_t{now.time_since_epoch().count()}));
}

Result<bool> Inbox::contains(Transaction& tx, std::string_view queue, std::string_view event_id) const {
  auto rows = tx.run("SELECT 1 FROM inbox WHERE queue = ? AND event_id = ?", queue, event_id);
  if (!rows) return std::unexpected(rows.error());
  return !rows->rows.empty();
}

Result<int64_t> Inbox::prune(Transaction& tx, WallTime now) const {
  WallTime before = now - std::chrono::duration_cast<std::chrono::milliseconds>(keep_min);
  auto rows = tx.run(
      "DELETE FROM inbox WHERE (queue, event_id) IN (SELECT queue, event_id FROM inbox WHERE handled_at < ? "
      "ORDER BY handled_at LIMIT ?)",
      int64_t{before.time_since_epoch().count()}, prune_rows_max);
  if (!rows) return std::unexpected(rows.error());
  return rows->changed;
}

}  // namespace pabal::relay
