#pragma once

#include <functional>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "protocol/json.h"

namespace pabal::doors {

constexpr size_t problems_max = 20;  // told in one answer

using Problems = std::vector<FieldProblem>;

class Field;

// How the members of an object are read: each name has its reader, every other name is a problem.
struct Member {
  std::string_view name;
  std::function<void(const Field&)> read;
};
using Members = std::initializer_list<Member>;

// A value in a request body that knows where it stands. Each reader returns nullopt after it has noted what
// was read and what would be right.
class Field {
 public:
  Field(protocol::JsonView value, std::string path, Problems& problems)
      : value_(value), path_(std::move(path)), problems_(&problems) {}

  [[nodiscard]] protocol::JsonView value() const { return value_; }
  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] bool is_null() const { return value_.is(protocol::JsonKind::null); }

  [[nodiscard]] std::optional<std::string> text() const;
  [[nodiscard]] std::optional<std::string> base64() const;
  [[nodiscard]] std::optional<bool> boolean() const;
  [[nodiscard]] std::optional<int64_t> integer(int64_t min, int64_t max) const;
  [[nodiscard]] std::optional<double> number(double min, double max) const;
  [[nodiscard]] std::optional<Duration> duration(Duration max) const;  // "30s"
  [[nodiscard]] std::optional<uint64_t> size() const;                  // "64KiB"
  [[nodiscard]] std::optional<WallTime> time() const;                  // RFC 3339
  // The value that belongs to one of these words.
  template <class T>
  [[nodiscard]] std::optional<T> one_of(std::initializer_list<std::pair<std::string_view, T>> words) const;

  // Reads an object's members; false when it is none.
  bool object(Members members) const;
  // Calls `each` with every member of an object, whatever its name.
  bool any_members(const std::function<void(const std::string& name, const Field&)>& each) const;
  // Calls `each` with the elements of an array of at most `count_max`.
  bool array(size_t count_max, const std::function<void(const Field&)>& each) const;

  void problem(std::string text) const;
  // Notes that this is not what `right` says.
  std::nullopt_t wrong(std::string_view right) const;
  [[nodiscard]] bool full() const { return problems_->size() >= problems_max; }

 private:
  void wrong_word(const std::vector<std::string_view>& words) const;

  protocol::JsonView value_;
  std::string path_;
  Problems* problems_;
};

// Reads a body that is one JSON object. An empty one counts as {} when `may_be_empty`.
Result<void> read_object(std::string_view body, bool may_be_empty, Members members);
// The error that lists the problems; ok when there are none.
Result<void> as_result(Problems problems);

template <class T>
std::optional<T> Field::one_of(std::initializer_list<std::pair<std::string_view, T>> words) const {
  std::optional<std::string> read = value_.text();
  std::vector<std::string_view> names;
  for (const auto& [word, value] : words) {
    if (read == word) return value;
    names.push_back(word);
  }
  wrong_word(names);
  return std::nullopt;
}

}  // namespace pabal::doors
