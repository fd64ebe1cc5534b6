#pragma once

#include <expected>
#include <fmt/format.h>
#include <string>
#include <string_view>
#include <vector>

namespace pabal {

// What went wrong, as the caller has to act on it. One table (error.cc) gives each its name, its HTTP status
// and whether trying again can help.
enum class ErrorCode {
  invalid,       // the request itself is wrong
  unauthorized,  // no or wrong credentials
  forbidden,     // known caller, not allowed
  not_found,     // no such thing
  wrong_method,  // the thing exists, not this way of using it
  conflict,      // contradicts what exists
  too_large,     // over a size limit
  wrong_media,   // a content type we do not read
  key_reused,    // an idempotency key came with another body
  out_of_order,  // a producer's sequence does not follow on what is stored
  duplicate,     // stored before, and it is not known any more where
  fenced,        // there is a newer one of what calls
  over_limit,    // over a rate or count limit
  unavailable,   // under pressure or stopping; try again
  disk_full,     // no space; try again when there is
  read_only,     // the engine or partition stopped taking writes until restarted
  timed_out,     // no answer in time; the outcome is unknown
  unreachable,   // no connection to a peer could be made: it has seen nothing of the request
  peer_failed,   // a peer closed, or answered garbage; the outcome is unknown
  io_failed,     // the disk or the system answered an error
  corrupt,       // stored bytes are not what was written
  unsupported,   // known, and not built
  cancelled,     // given up by the caller
};

struct FieldProblem {
  std::string field;    // path of the field, as in "records[2].key"
  std::string problem;  // what was read and what would be right
};

// An expected failure as a value. `message` says what was read and what would be right.
struct Error {
  ErrorCode code = ErrorCode::invalid;
  std::string message;
  std::vector<FieldProblem> fields = {};
};

template <class T>
using Result = std::expected<T, Error>;

template <class... Args>
[[nodiscard]] std::unexpected<Error> error(ErrorCode code, fmt::format_string<Args...> format,
                                           Args&&... args) {
  return std::unexpected(Error{code, fmt::format(format, std::forward<Args>(args)...), {}});
}

// "disk_full", "not_found", …
[[nodiscard]] std::string_view name_of(ErrorCode code);
// The HTTP status of HTTP.md's table.
[[nodiscard]] int http_status_of(ErrorCode code);
// True when the same request may succeed later.
[[nodiscard]] bool is_retryable(ErrorCode code);

// The system's error `number` (errno) for an operation on `what`: ENOSPC and EDQUOT are disk_full, the rest
// io_failed.
[[nodiscard]] Error system_error(int number, std::string_view what);

}  // namespace pabal
