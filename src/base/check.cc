#include "base/check.h"

#include <cstdio>
#include <cstdlib>

namespace pabal {

void fail_check(std::source_location where, std::string_view message) {
  std::fprintf(stderr, "%s:%u: %s: check failed: %.*s\n", where.file_name(),
               static_cast<unsigned>(where.line()), where.function_name(), static_cast<int>(message.size()),
               message.data());
  std::fflush(stderr);
  std::abort();
}

}  // namespace pabal
