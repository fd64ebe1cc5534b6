#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <type_traits>
#include <variant>
#include <vector>

#include "base/error.h"

namespace pabal::relay {

// One value of a row or of a statement's parameters.
using Value = std::variant<std::monostate, int64_t, double, std::string>;

inline Value to_value(std::nullptr_t) { return std::monostate(); }
inline Value to_value(std::string_view text) { return std::string(text); }
template <std::integral T>
Value to_value(T number) {
  return static_cast<int64_t>(number);
}
template <std::floating_point T>
Value to_value(T number) {
  return static_cast<double>(number);
}
template <class T>
Value to_value(const std::optional<T>& value) {
  return value ? to_value(*value) : Value();
}

// One row of an answer, by column from 0. A column read as another type than it holds is converted as far as
// that makes sense (a number as text), else 0 or empty.
class Row {
 public:
  explicit Row(std::vector<Value> values) : values_(std::move(values)) {}

  [[nodiscard]] size_t size() const { return values_.size(); }
  [[nodiscard]] bool is_null(size_t column) const;
  [[nodiscard]] int64_t integer(size_t column) const;
  [[nodiscard]] double real(size_t column) const;
  [[nodiscard]] std::string text(size_t column) const;

 private:
  std::vector<Value> values_;
};

struct Rows {
  std::vector<Row> rows;
  int64_t changed = 0;  // rows that an INSERT, UPDATE or DELETE touched
};

// A transaction in progress. Belongs to the thread that runs it.
class Transaction {
 public:
  virtual ~Transaction() = default;
  // One statement with `?` for each parameter. Errors: conflict (a unique key or another constraint),
  // disk_full, unavailable (the database is busy for too long), corrupt, read_only, io_failed, invalid (the
  // statement itself is wrong). After any of them but conflict the transaction can only be given up.
  virtual Result<Rows> execute(std::string_view sql, std::span<const Value> parameters) = 0;

  template <class... Args>
  Result<Rows> run(std::string_view sql, const Args&... args) {
    std::vector<Value> values{to_value(args)...};
    return execute(sql, values);
  }
};

// A service's own database: SQLite now; what another needs is behind this. Safe from any thread; calls block.
// A commit is durable when write() returns, unless it was opened for less.
class Database {
 public:
  enum class Commits {
    durable,  // flushed when write() returns (synchronous=FULL)
    soon,     // the newest may be missing after a power loss, none in the middle: for what can be done again
  };
  // A file; made when missing. WAL; one writer at a time, readers beside it.
  static Result<std::unique_ptr<Database>> open(const std::string& file, Commits commits = Commits::durable);
  virtual ~Database() = default;

  using Work = std::function<Result<void>(Transaction&)>;
  // Commits when `work` succeeds, else undoes everything and returns its error. The write lock is held
  // meanwhile.
  virtual Result<void> write(const Work& work) = 0;
  // Sees one state of the database, changes nothing.
  virtual Result<void> read(const Work& work) = 0;

  // A transaction that its owner ends: destroying it undoes it.
  class Open : public Transaction {
   public:
    virtual Result<void> commit() = 0;
  };
  virtual Result<std::unique_ptr<Open>> begin_write() = 0;
  virtual Result<std::unique_ptr<Open>> begin_read() = 0;
};

}  // namespace pabal::relay
