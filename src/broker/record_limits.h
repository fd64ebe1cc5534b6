#pragma once

#include <optional>
#include <string>

#include "broker/topic.h"

namespace pabal::broker {

// What is too large about a record, and in which part of it ("headers", or empty).
struct TooLarge {
  std::string field;
  std::string problem;
};
// `bytes_max`: of key and value.
[[nodiscard]] std::optional<TooLarge> find_too_large(const log::RecordView& record,
                                                     size_t bytes_max = record_bytes_max);

}  // namespace pabal::broker
