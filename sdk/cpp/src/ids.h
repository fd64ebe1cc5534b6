#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace pabal::sdk {

// A new UUID (version 7: sorts by time), from a generator of this thread.
[[nodiscard]] std::string new_id();

// W3C trace context: "00-<32 hex>-<16 hex>-<2 hex>".
struct Trace {
  std::string trace_id;
  std::string span_id;

  // The same trace with a span of its own.
  [[nodiscard]] Trace child() const;
  [[nodiscard]] std::string header() const;

  static Trace start();
  // Nothing for what is malformed or all zero; unknown versions are read by their prefix.
  static std::optional<Trace> parse(std::string_view header);
};

}  // namespace pabal::sdk
