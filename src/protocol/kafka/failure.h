#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pabal::kafka {

// The first thing that went wrong in a message and, added while unwinding, the field it happened in.
class Failure {
 public:
  [[nodiscard]] bool happened() const { return !problem_.empty(); }
  // Only the first counts.
  void set(ErrorCode code, std::string problem);
  // What encloses the field, from the inside to the outside.
  void add_name(std::string_view name);
  void add_index(size_t index);
  // "Produce v9 request, topic_data[2].name: …". Only after it happened.
  [[nodiscard]] Error error(std::string_view what) const;

 private:
  ErrorCode code_ = ErrorCode::invalid;
  std::string problem_;
  std::string path_;
};

}  // namespace pabal::kafka
