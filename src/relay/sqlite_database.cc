#include <mutex>

#include "relay/database.h"
#include "relay/sqlite_connection.h"

namespace pabal::relay {

namespace {

using Connection = std::unique_ptr<SqliteConnection>;

constexpr size_t idle_readers_max = 16;

class SqliteDatabase final : public Database {
 public:
  SqliteDatabase(std::string file, Connection writer) : file_(std::move(file)), writer_(std::move(writer)) {}

  Result<void> write(const Work& work) override { return finish(begin_write(), work); }
  Result<void> read(const Work& work) override { return finish(begin_read(), work); }
  Result<std::unique_ptr<Open>> begin_write() override;
  Result<std::unique_ptr<Open>> begin_read() override;

 private:
  class Writing;
  class Reading;

  static Result<void> finish(Result<std::unique_ptr<Open>> open, const Work& work) {
    if (!open) return std::unexpected(open.error());
    if (auto done = work(**open); !done) return done;
    return (*open)->commit();
  }

  Result<Connection> take_reader();
  void give_back(Connection reader);

  std::string file_;
  // Writers of this process queue here instead of in SQLite, where waiting means polling.
  std::mutex write_mutex_;
  Connection writer_;  // under write_mutex_
  std::mutex readers_mutex_;
  std::vector<Connection> readers_;  // idle ones; under readers_mutex_
};

class SqliteDatabase::Writing final : public Open {
 public:
  explicit Writing(SqliteDatabase& database) : lock_(database.write_mutex_), connection_(*database.writer_) {}
  ~Writing() override {
    if (connection_.in_transaction()) (void)connection_.run("ROLLBACK");
  }

  Result<void> begin() { return connection_.run("BEGIN IMMEDIATE"); }
  Result<Rows> execute(std::string_view sql, std::span<const Value> parameters) override {
    if (!connection_.in_transaction()) return std::unexpected(undone());
    return connection_.execute(sql, parameters);
  }
  Result<void> commit() override {
    if (!connection_.in_transaction()) return std::unexpected(undone());
    return connection_.run("COMMIT");
  }

 private:
  static Error undone() {
    return {ErrorCode::io_failed, "the transaction was undone by an earlier error of the database"};
  }

  std::unique_lock<std::mutex> lock_;
  SqliteConnection& connection_;
};

class SqliteDatabase::Reading final : public Open {
 public:
  Reading(SqliteDatabase& database, Connection connection)
      : database_(database), connection_(std::move(connection)) {}
  ~Reading() override {
    if (connection_->in_transaction()) (void)connection_->run("ROLLBACK");
    database_.give_back(std::move(connection_));
  }

  Result<void> begin() { return connection_->run("BEGIN"); }
  Result<Rows> execute(std::string_view sql, std::span<const Value> parameters) override {
    return connection_->execute(sql, parameters);
  }
  Result<void> commit() override { return connection_->run("COMMIT"); }

 private:
  SqliteDatabase& database_;
  Connection connection_;
};

Result<std::unique_ptr<Database::Open>> SqliteDatabase::begin_write() {
  auto open = std::make_unique<Writing>(*this);
  if (auto begun = open->begin(); !begun) return std::unexpected(begun.error());
  return open;
}

Result<std::unique_ptr<Database::Open>> SqliteDatabase::begin_read() {
  auto connection = take_reader();
  if (!connection) return std::unexpected(connection.error());
  auto open = std::make_unique<Reading>(*this, std::move(*connection));
  if (auto begun = open->begin(); !begun) return std::unexpected(begun.error());
  return open;
}

Result<Connection> SqliteDatabase::take_reader() {
  {
    std::lock_guard lock(readers_mutex_);
    if (!readers_.empty()) {
      Connection reader = std::move(readers_.back());
      readers_.pop_back();
      return reader;
    }
  }
  return SqliteConnection::open(file_, SqliteConnection::Kind::reader);
}

void SqliteDatabase::give_back(Connection reader) {
  std::lock_guard lock(readers_mutex_);
  if (readers_.size() < idle_readers_max) readers_.push_back(std::move(reader));
}

}  // namespace

Result<std::unique_ptr<Database>> Database::open(const std::string& file, Commits commits) {
  auto writer =
      SqliteConnection::open(file, commits == Commits::durable ? SqliteConnection::Kind::durable_writer
                                                               : SqliteConnection::Kind::relaxed_writer);
  if (!writer) return std::unexpected(writer.error());
  return std::make_unique<SqliteDatabase>(file, std::move(*writer));
}

}  // namespace pabal::relay
