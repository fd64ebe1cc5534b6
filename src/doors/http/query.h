#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace pabal::doors {

// The parameters of a request's query. Each reader takes its parameter; what nobody took is not known, and
// finish() says so. The first problem is kept.
class Query {
 public:
  explicit Query(std::string_view query);

  std::optional<std::string> text(std::string_view name);
  std::optional<int64_t> integer(std::string_view name, int64_t min, int64_t max);
  std::optional<Duration> duration(std::string_view name, Duration max);
  // Every parameter whose name begins with `prefix`, without it.
  std::vector<std::pair<std::string, std::string>> with_prefix(std::string_view prefix);
  void problem(std::string_view name, std::string text);

  // An error when anything was wrong or was not asked for.
  Result<void> finish();

 private:
  struct Parameter {
    std::string name;
    std::string value;
    bool taken = false;
  };
  std::vector<Parameter> parameters_;
  std::vector<std::string> known_;
  std::vector<FieldProblem> problems_;
};

}  // namespace pabal::doors
