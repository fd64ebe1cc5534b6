#include "broker/record_limits.h"

#include <fmt/format.h>

namespace pabal::broker {

std::optional<TooLarge> find_too_large(const log::RecordView& record, size_t bytes_max) {
  size_t bytes = (record.key ? record.key->size() : 0) + (record.value ? record.value->size() : 0);
  if (bytes > bytes_max) {
    return TooLarge{"", fmt::format("{} bytes of key and value, at most {}", bytes, bytes_max)};
  }
  if (record.headers.size() > headers_per_record_max) {
    return TooLarge{"headers",
                    fmt::format("{} headers, at most {}", record.headers.size(), headers_per_record_max)};
  }
  size_t header_bytes = 0;
  for (const log::HeaderView& header : record.headers) {
    header_bytes += header.name.size() + (header.value ? header.value->size() : 0);
  }
  if (header_bytes > header_bytes_max) {
    return TooLarge{"headers",
                    fmt::format("{} bytes of headers, at most {}", header_bytes, header_bytes_max)};
  }
  return std::nullopt;
}

}  // namespace pabal::broker
