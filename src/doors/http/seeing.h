#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "base/error.h"
#include "flows/overview.h"
#include "runtime/asio.h"

namespace pabal::doors {

// What the door asks of whoever watches the flow: JSON texts, ready to be sent. From any shard.
class Seeing {
 public:
  virtual ~Seeing() = default;

  using Texts = flows::Overview::Snapshot;
  // At most half a second old, shared by all who ask.
  virtual runtime::Task<Result<std::shared_ptr<const Texts>>> current() = 0;
  virtual runtime::Task<Result<std::string>> trace(std::string id) = 0;
  // A report of spans (OTLP/HTTP, JSON).
  virtual Result<std::string> take_spans(std::string_view content_type, std::string_view content_encoding,
                                         std::string_view body) = 0;
};

}  // namespace pabal::doors
