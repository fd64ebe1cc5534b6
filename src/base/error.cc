#include "base/error.h"

#include <array>
#include <cerrno>
#include <system_error>

#include "base/check.h"

namespace pabal {
namespace {

struct Row {
  ErrorCode code;
  std::string_view name;
  int http_status;
  bool retryable;
};

constexpr std::array rows{
    Row{ErrorCode::invalid, "invalid", 400, false},
    Row{ErrorCode::unauthorized, "unauthorized", 401, false},
    Row{ErrorCode::forbidden, "forbidden", 403, false},
    Row{ErrorCode::not_found, "not_found", 404, false},
    Row{ErrorCode::wrong_method, "wrong_method", 405, false},
    Row{ErrorCode::conflict, "conflict", 409, false},
    Row{ErrorCode::too_large, "too_large", 413, false},
    Row{ErrorCode::wrong_media, "wrong_media", 415, false},
    Row{ErrorCode::key_reused, "key_reused", 422, false},
    Row{ErrorCode::out_of_order, "out_of_order", 409, false},
    Row{ErrorCode::duplicate, "duplicate", 409, false},
    Row{ErrorCode::fenced, "fenced", 409, false},
    Row{ErrorCode::over_limit, "over_limit", 429, true},
    Row{ErrorCode::unavailable, "unavailable", 503, true},
    Row{ErrorCode::disk_full, "disk_full", 503, true},
    Row{ErrorCode::read_only, "read_only", 503, false},
    Row{ErrorCode::timed_out, "timed_out", 504, true},
    Row{ErrorCode::unreachable, "unreachable", 502, true},
    Row{ErrorCode::peer_failed, "peer_failed", 502, true},
    Row{ErrorCode::io_failed, "io_failed", 500, false},
    Row{ErrorCode::corrupt, "corrupt", 500, false},
    Row{ErrorCode::unsupported, "unsupported", 400, false},
    Row{ErrorCode::cancelled, "cancelled", 499, false},
};

const Row& row_of(ErrorCode code) {
  auto index = static_cast<size_t>(code);
  check(index < rows.size() && rows[index].code == code, "error code {} is not in its table", index);
  return rows[index];
}

}  // namespace

std::string_view name_of(ErrorCode code) { return row_of(code).name; }
int http_status_of(ErrorCode code) { return row_of(code).http_status; }
bool is_retryable(ErrorCode code) { return row_of(code).retryable; }

Error system_error(int number, std::string_view what) {
  ErrorCode code = number == ENOSPC || number == EDQUOT ? ErrorCode::disk_full : ErrorCode::io_failed;
  return {code, fmt::format("{}: {}", what, std::generic_category().message(number)), {}};
}

}  // namespace pabal
