#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "base/types.h"

namespace pabal::log {

struct HeaderView {
  std::string_view name;
  std::optional<BytesView> value;  // nullopt is Kafka's null
};

// One record whose bytes somebody else owns: the request it came in, or the batch it is stored in.
struct RecordView {
  std::optional<BytesView> key = {};
  std::optional<BytesView> value = {};  // nullopt is a delete marker (tombstone)
  std::vector<HeaderView> headers = {};
  WallTime timestamp = {};
};

// A record as it stands in a log.
struct StoredRecord : RecordView {
  Offset offset = {};
};

// The first header of that name, or nullptr.
[[nodiscard]] const HeaderView* find_header(const RecordView& record, std::string_view name);

}  // namespace pabal::log
