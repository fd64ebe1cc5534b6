#include "relay/sqlite_connection.h"

#include <cerrno>
#include <poll.h>

namespace pabal::relay {

namespace {

constexpr size_t statements_max = 256;
constexpr int busy_rounds_max = 5'000;  // of a millisecond each

// Another process writes: a millisecond at a time, because its commit takes less than that.
int wait_while_busy(void*, int round) {
  if (round >= busy_rounds_max) return 0;
  ::poll(nullptr, 0, 1);
  return 1;
}

ErrorCode code_of(int result, int system_errno) {
  switch (result & 0xff) {
    case SQLITE_CONSTRAINT:
      return ErrorCode::conflict;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return ErrorCode::unavailable;
    case SQLITE_FULL:
      return ErrorCode::disk_full;
    case SQLITE_IOERR:
      return system_errno == ENOSPC || system_errno == EDQUOT ? ErrorCode::disk_full : ErrorCode::io_failed;
    case SQLITE_READONLY:
      return ErrorCode::read_only;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return ErrorCode::corrupt;
    case SQLITE_CANTOPEN:
    case SQLITE_NOMEM:
    case SQLITE_INTERRUPT:
      return ErrorCode::io_failed;
    default:
      return ErrorCode::invalid;
  }
}

int bind(sqlite3_stmt* statement, int index, const Value& value) {
  if (const auto* integer = std::get_if<int64_t>(&value))
    return sqlite3_bind_int64(statement, index, *integer);
  if (const auto* real = std::get_if<double>(&value)) return sqlite3_bind_double(statement, index, *real);
  if (const auto* text = std::get_if<std::string>(&value)) {
    return sqlite3_bind_text64(statement, index, text->data(), text->size(), SQLITE_STATIC, SQLITE_UTF8);
  }
  return sqlite3_bind_null(statement, index);
}

Value column(sqlite3_stmt* statement, int index) {
  switch (sqlite3_column_type(statement, index)) {
    case SQLITE_INTEGER:
      return int64_t{sqlite3_column_int64(statement, index)};
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, index);
    case SQLITE_NULL:
      return std::monostate();
    default: {
      const void* bytes = sqlite3_column_blob(statement, index);
      auto size = static_cast<size_t>(sqlite3_column_bytes(statement, index));
      return bytes ? std::string(static_cast<const char*>(bytes), size) : std::string();
    }
  }
}

// Puts a statement back so that it can be used again and holds no lock.
struct Rewind {
  sqlite3_stmt* statement;
  ~Rewind() {
    sqlite3_reset(statement);
    sqlite3_clear_bindings(statement);
  }
};

}  // namespace

Result<std::unique_ptr<SqliteConnection>> SqliteConnection::open(const std::string& file, Kind kind) {
  sqlite3* handle = nullptr;
  int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE;
  int result = sqlite3_open_v2(file.c_str(), &handle, flags, nullptr);
  auto connection = std::unique_ptr<SqliteConnection>(new SqliteConnection(handle, file));
  if (result != SQLITE_OK) return std::unexpected(connection->failure("opening it"));
  sqlite3_busy_handler(handle, wait_while_busy, nullptr);
  std::vector<std::string_view> pragmas{"PRAGMA journal_mode=WAL", "PRAGMA foreign_keys=ON"};
  pragmas.push_back(kind == Kind::relaxed_writer ? "PRAGMA synchronous=NORMAL" : "PRAGMA synchronous=FULL");
  if (kind == Kind::reader) pragmas.push_back("PRAGMA query_only=ON");
  for (std::string_view pragma : pragmas) {
    if (auto done = connection->run(pragma); !done) return std::unexpected(done.error());
  }
  return connection;
}

SqliteConnection::~SqliteConnection() {
  statements_.clear();
  sqlite3_close_v2(handle_);
}

Error SqliteConnection::failure(std::string_view during) const {
  return {code_of(sqlite3_extended_errcode(handle_), sqlite3_system_errno(handle_)),
          fmt::format("database {}: {}: {}", file_, during, sqlite3_errmsg(handle_))};
}

Result<void> SqliteConnection::run(std::string_view sql) {
  auto rows = execute(sql, {});
  if (!rows) return std::unexpected(std::move(rows.error()));
  return {};
}

Result<sqlite3_stmt*> SqliteConnection::prepare(std::string_view sql) {
  std::string text(sql);
  if (auto it = statements_.find(text); it != statements_.end()) return it->second.get();
  sqlite3_stmt* statement = nullptr;
  const char* rest = nullptr;
  int result = sqlite3_prepare_v3(handle_, text.c_str(), static_cast<int>(text.size() + 1),
                                  SQLITE_PREPARE_PERSISTENT, &statement, &rest);
  Statement owned(statement);
  if (result != SQLITE_OK) return std::unexpected(failure(sql));
  if (!statement) return error(ErrorCode::invalid, "database {}: an empty statement", file_);
  if (std::string_view(rest).find_first_not_of(" \t\r\n;") != std::string_view::npos) {
    return error(ErrorCode::invalid, "database {}: more than one statement in '{}'", file_, sql);
  }
  if (statements_.size() >= statements_max) statements_.clear();
  statements_.emplace(std::move(text), std::move(owned));
  return statement;
}

Result<Rows> SqliteConnection::execute(std::string_view sql, std::span<const Value> parameters) {
  auto statement = prepare(sql);
  if (!statement) return std::unexpected(statement.error());
  Rewind rewind{*statement};
  auto expected = static_cast<size_t>(sqlite3_bind_parameter_count(*statement));
  if (expected != parameters.size()) {
    return error(ErrorCode::invalid, "database {}: '{}' takes {} parameters and got {}", file_, sql, expected,
                 parameters.size());
  }
  for (size_t i = 0; i < parameters.size(); ++i) {
    if (bind(*statement, static_cast<int>(i + 1), parameters[i]) != SQLITE_OK) {
      return std::unexpected(failure(sql));
    }
  }
  return step_through(*statement);
}

Result<Rows> SqliteConnection::step_through(sqlite3_stmt* statement) {
  Rows rows;
  int columns = sqlite3_column_count(statement);
  int result = sqlite3_step(statement);
  for (; result == SQLITE_ROW; result = sqlite3_step(statement)) {
    std::vector<Value> values;
    values.reserve(static_cast<size_t>(columns));
    for (int i = 0; i < columns; ++i) values.push_back(column(statement, i));
    rows.rows.emplace_back(std::move(values));
  }
  if (result != SQLITE_DONE) return std::unexpected(failure(sqlite3_sql(statement)));
  if (sqlite3_stmt_readonly(statement) == 0) rows.changed = sqlite3_changes64(handle_);
  return rows;
}

}  // namespace pabal::relay
