#include "shop/story/customer_book.h"

#include <filesystem>
#include <memory>
#include <sqlite3.h>
#include <variant>

namespace shop {
namespace {

// A database of one writer, which is thrown away when anything fails.
class Book {
 public:
  explicit Book(const std::string& path) {
    if (sqlite3_open(path.c_str(), &database_) != SQLITE_OK) fail();
  }
  ~Book() { sqlite3_close(database_); }
  Book(const Book&) = delete;
  Book& operator=(const Book&) = delete;

  void run(const char* sql, const std::vector<std::variant<std::string, int64_t>>& values = {}) {
    sqlite3_stmt* statement = nullptr;
    if (failed() || sqlite3_prepare_v2(database_, sql, -1, &statement, nullptr) != SQLITE_OK) return fail();
    for (size_t i = 0; i < values.size(); ++i) {
      auto place = static_cast<int>(i + 1);
      if (const auto* text = std::get_if<std::string>(&values[i])) {
        sqlite3_bind_text(statement, place, text->data(), static_cast<int>(text->size()), SQLITE_TRANSIENT);
      } else {
        sqlite3_bind_int64(statement, place, std::get<int64_t>(values[i]));
      }
    }
    if (sqlite3_step(statement) != SQLITE_DONE) fail();
    sqlite3_finalize(statement);
  }

  [[nodiscard]] bool failed() const { return !problem_.empty(); }
  [[nodiscard]] const std::string& problem() const { return problem_; }

 private:
  void fail() {
    if (problem_.empty()) problem_ = sqlite3_errmsg(database_);
  }

  sqlite3* database_ = nullptr;
  std::string problem_;
};

const char* name_of(Attempt::Outcome outcome) {
  switch (outcome) {
    case Attempt::Outcome::ok:
      return "ok";
    case Attempt::Outcome::rejected:
      return "rejected";
    case Attempt::Outcome::failed:
      return "failed";
  }
  return "failed";
}

}  // namespace

Result<void> write_customer_book(const std::string& act_directory, const std::vector<Attempt>& attempts,
                                 const AwayTimes& away) {
  std::error_code problem;
  std::filesystem::create_directories(act_directory + "/customer", problem);
  if (problem) return error(ErrorCode::io_failed, "{}: {}", act_directory, problem.message());
  Book book(act_directory + "/customer/customer.db");
  book.run("BEGIN");
  book.run(
      "CREATE TABLE attempts (order_id TEXT PRIMARY KEY, invoice TEXT, outcome TEXT, sent_us INTEGER,"
      " answered_us INTEGER)");
  book.run("CREATE TABLE away (process TEXT, from_us INTEGER, to_us INTEGER)");
  for (const Attempt& a : attempts) {
    book.run("INSERT INTO attempts VALUES (?, ?, ?, ?, ?)",
             {a.order_id, a.invoice, name_of(a.outcome), a.sent_us, a.answered_us});
  }
  for (const auto& [process, times] : away) {
    for (const auto& [from, to] : times) book.run("INSERT INTO away VALUES (?, ?, ?)", {process, from, to});
  }
  book.run("COMMIT");
  if (book.failed()) return error(ErrorCode::io_failed, "the customers' book: {}", book.problem());
  return {};
}

}  // namespace shop
