#include "base/check.h"

#include <cstdio>
#include <cstdlib>
#include <fmt/format.h>

namespace pabal {

void fail_check(std::source_location where, std::string_view message) {
  fmt::print(stderr, "{}:{}: {}: check failed: {}\n", where.file_name(), where.line(), where.function_name(),
             message);
  std::fflush(stderr);
  std::abort();
}

}  // namespace pabal
