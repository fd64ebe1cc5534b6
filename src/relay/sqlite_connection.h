#pragma once

#include <memory>
#include <sqlite3.h>
#include <string>
#include <unordered_map>

#include "relay/database.h"

namespace pabal::relay {

// One connection to a SQLite file, with its prepared statements. One thread at a time.
class SqliteConnection {
 public:
  enum class Kind { durable_writer, relaxed_writer, reader };
  static Result<std::unique_ptr<SqliteConnection>> open(const std::string& file, Kind kind);
  ~SqliteConnection();
  SqliteConnection(const SqliteConnection&) = delete;
  SqliteConnection& operator=(const SqliteConnection&) = delete;

  Result<Rows> execute(std::string_view sql, std::span<const Value> parameters);
  // A statement without parameters whose answer does not matter: BEGIN, COMMIT, PRAGMA.
  Result<void> run(std::string_view sql);
  // False once SQLite itself has undone the transaction (after a full disk, for example).
  [[nodiscard]] bool in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

 private:
  struct Finalize {
    void operator()(sqlite3_stmt* statement) const { sqlite3_finalize(statement); }
  };
  using Statement = std::unique_ptr<sqlite3_stmt, Finalize>;

  SqliteConnection(sqlite3* handle, std::string file) : handle_(handle), file_(std::move(file)) {}

  Result<sqlite3_stmt*> prepare(std::string_view sql);
  Result<Rows> step_through(sqlite3_stmt* statement);
  [[nodiscard]] Error failure(std::string_view during) const;

  sqlite3* handle_;
  std::string file_;
  std::unordered_map<std::string, Statement> statements_;
};

}  // namespace pabal::relay
