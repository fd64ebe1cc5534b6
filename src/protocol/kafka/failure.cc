#include "protocol/kafka/failure.h"

#include <utility>

namespace pabal::kafka {

void Failure::set(ErrorCode code, std::string problem) {
  if (happened()) return;
  code_ = code;
  problem_ = std::move(problem);
}

void Failure::add_name(std::string_view name) {
  if (!path_.empty() && path_.front() != '[') path_.insert(0, ".");
  path_.insert(0, name);
}

void Failure::add_index(size_t index) {
  if (!path_.empty()) path_.insert(0, ".");
  path_.insert(0, fmt::format("[{}]", index));
}

Error Failure::error(std::string_view what) const {
  return {code_, fmt::format("{}{}{}: {}", what, path_.empty() ? "" : ", ", path_, problem_), {}};
}

}  // namespace pabal::kafka
