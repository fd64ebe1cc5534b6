#include "relay/outbox.h"

#include "base/random.h"
#include "base/uuid.h"

namespace pabal::relay {

namespace {

constexpr int64_t prune_rows_max = 5'000;

std::string with_name(std::string_view text, std::string_view name) {
  std::string out;
  for (size_t at = 0; at < text.size(); ++at) {
    if (text.substr(at, 2) == "{}") {
      out.append(name);
      ++at;
    } else {
      out.push_back(text[at]);
    }
  }
  return out;
}

Result<void> without_rows(Result<Rows> rows) {
  if (!rows) return std::unexpected(std::move(rows.error()));
  return {};
}

OutboxRow read_row(const Row& row) {
  return {.position = row.integer(0),
          .id = row.text(1),
          .topic = row.text(2),
          .type = row.text(3),
          .key = row.text(4),
          .payload = row.text(5),
          .headers = row.text(6),
          .created_at = WallTime(std::chrono::milliseconds(row.integer(7))),
          .status = row.text(8),
          .attempts = row.integer(9),
          .last_error = row.text(10)};
}

}  // namespace

Outbox::Outbox(OutboxTable table) : table_(table == OutboxTable::outbox ? "outbox" : "publish_failures") {}

std::string Outbox::sql(std::string_view text) const { return with_name(text, table_); }

Result<void> Outbox::create(Transaction& tx) const {
  for (std::string_view statement :
       {"CREATE TABLE IF NOT EXISTS {}(position INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, "
        "topic TEXT NOT NULL, type TEXT NOT NULL, key TEXT NOT NULL, payload TEXT NOT NULL, headers TEXT NOT "
        "NULL, created_at INTEGER NOT NULL, status TEXT NOT NULL, attempts INTEGER NOT NULL DEFAULT 0, "
        "last_error TEXT NOT NULL DEFAULT '')",
        "CREATE INDEX IF NOT EXISTS {}_waiting ON {}(position) WHERE status = 'waiting'",
        "CREATE INDEX IF NOT EXISTS {}_failed ON {}(position) WHERE status = 'failed'",
        "CREATE TABLE IF NOT EXISTS {}_identity(name TEXT NOT NULL)"}) {
    if (auto done = tx.run(sql(statement)); !done) return std::unexpected(done.error());
  }
  Random random = Random::from_system();
  return without_rows(
      tx.run(sql("INSERT INTO {}_identity SELECT ? WHERE NOT EXISTS (SELECT 1 FROM {}_identity)"),
             Uuid::random(random).to_string()));
}

Result<bool> Outbox::exists(Transaction& tx) const {
  auto rows = tx.run("SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", table_);
  if (!rows) return std::unexpected(rows.error());
  return !rows->rows.empty();
}

Result<std::string> Outbox::identity(Transaction& tx) const {
  auto rows = tx.run(sql("SELECT name FROM {}_identity"));
  if (!rows) return std::unexpected(rows.error());
  if (rows->rows.empty()) return error(ErrorCode::corrupt, "the table {}_identity is empty", table_);
  return rows->rows.front().text(0);
}

Result<void> Outbox::add(Transaction& tx, const OutboxRow& row) const {
  return without_rows(
      tx.run(sql("INSERT INTO {}(id, topic, type, key, payload, headers, created_at, status, last_error) "
                 "VALUES(?, ?, ?, ?, ?, ?, ?, 'waiting', ?)"),
             row.id, row.topic, row.type, row.key, row.payload, row.headers,
             int64_t{row.created_at.time_since_epoch().count()}, row.last_error));
}

Result<std::vector<OutboxRow>> Outbox::select(Transaction& tx, std::string_view condition,
                                              std::string_view order, int64_t rows_max,
                                              std::span<const Value> parameters) const {
  std::string text = sql(fmt::format(
      "SELECT position, id, topic, type, key, payload, headers, created_at, status, attempts, last_error "
      "FROM {{}} {} ORDER BY position {} LIMIT {}",
      condition, order, rows_max));
  auto rows = tx.execute(text, parameters);
  if (!rows) return std::unexpected(rows.error());
  std::vector<OutboxRow> out;
  out.reserve(rows->rows.size());
  for (const Row& row : rows->rows) out.push_back(read_row(row));
  return out;
}

Result<std::vector<OutboxRow>> Outbox::waiting(Transaction& tx, int64_t rows_max,
                                               std::span<const std::string> except_topics) const {
  std::string condition = "WHERE status = 'waiting'";
  std::vector<Value> parameters;
  for (const std::string& topic : except_topics) {
    condition += " AND topic <> ?";
    parameters.push_back(to_value(topic));
  }
  return select(tx, condition, "ASC", rows_max, parameters);
}

Result<std::vector<OutboxRow>> Outbox::list(Transaction& tx, std::string_view status,
                                            int64_t rows_max) const {
  std::vector<Value> parameters;
  if (!status.empty()) parameters.push_back(to_value(status));
  auto rows = select(tx, status.empty() ? "" : "WHERE status = ?", "DESC", rows_max, parameters);
  if (rows) std::ranges::reverse(*rows);
  return rows;
}

Result<Outbox::Counts> Outbox::counts(Transaction& tx) const {
  auto rows = tx.run(sql("SELECT status, count(*) FROM {} GROUP BY status"));
  if (!rows) return std::unexpected(rows.error());
  Counts counts;
  for (const Row& row : rows->rows) {
    std::string status = row.text(0);
    (status == "waiting" ? counts.waiting : status == "done" ? counts.done : counts.failed) = row.integer(1);
  }
  return counts;
}

Result<void> Outbox::mark_done(Transaction& tx, std::span<const int64_t> positions) const {
  std::string text =
      sql("UPDATE {} SET status = 'done', attempts = attempts + 1 WHERE position = ? AND status = 'waiting'");
  for (int64_t position : positions) {
    if (auto done = tx.run(text, position); !done) return std::unexpected(done.error());
  }
  return {};
}

Result<void> Outbox::mark_failed(Transaction& tx, int64_t position, std::string_view why) const {
  return without_rows(tx.run(
      sql("UPDATE {} SET status = 'failed', attempts = attempts + 1, last_error = ? WHERE position = ?"), why,
      position));
}

Result<void> Outbox::note_attempt(Transaction& tx, int64_t position, std::string_view why) const {
  return without_rows(
      tx.run(sql("UPDATE {} SET attempts = attempts + 1, last_error = ? WHERE position = ?"), why, position));
}

Result<int64_t> Outbox::retry(Transaction& tx, std::span<const std::string> ids) const {
  std::vector<OutboxRow> failed;
  if (ids.empty()) {
    auto rows = select(tx, "WHERE status = 'failed'", "ASC", std::numeric_limits<int64_t>::max(), {});
    if (!rows) return std::unexpected(rows.error());
    failed = std::move(*rows);
  }
  for (const std::string& id : ids) {
    std::vector<Value> parameters{to_value(id)};
    auto rows = select(tx, "WHERE status = 'failed' AND id = ?", "ASC", 1, parameters);
    if (!rows) return std::unexpected(rows.error());
    if (rows->empty()) return error(ErrorCode::not_found, "no failed event has the id '{}'", id);
    failed.push_back(std::move(rows->front()));
  }
  for (const OutboxRow& row : failed) {
    if (auto gone = tx.run(sql("DELETE FROM {} WHERE position = ?"), row.position); !gone) {
      return std::unexpected(gone.error());
    }
    auto added =
        tx.run(sql("INSERT INTO {}(id, topic, type, key, payload, headers, created_at, status, attempts, "
                   "last_error) VALUES(?, ?, ?, ?, ?, ?, ?, 'waiting', ?, ?)"),
               row.id, row.topic, row.type, row.key, row.payload, row.headers,
               int64_t{row.created_at.time_since_epoch().count()}, row.attempts, row.last_error);
    if (!added) return std::unexpected(added.error());
  }
  return static_cast<int64_t>(failed.size());
}

Result<int64_t> Outbox::prune(Transaction& tx, WallTime older_than, int64_t done_rows_max) const {
  auto rows =
      tx.run(sql("SELECT position, created_at FROM {} WHERE status = 'done' ORDER BY position LIMIT ?"),
             prune_rows_max);
  if (!rows) return std::unexpected(rows.error());
  auto newest = tx.run(sql("SELECT coalesce(max(position), 0) FROM {}"));
  if (!newest) return std::unexpected(newest.error());
  int64_t keep_from = newest->rows.at(0).integer(0) - done_rows_max;
  int64_t pruned = 0;
  for (const Row& row : rows->rows) {
    bool old = row.integer(1) < older_than.time_since_epoch().count();
    if (!old && row.integer(0) > keep_from) continue;
    if (auto gone = tx.run(sql("DELETE FROM {} WHERE position = ?"), row.integer(0)); !gone) {
      return std::unexpected(gone.error());
    }
    ++pruned;
  }
  return pruned;
}

}  // namespace pabal::relay
