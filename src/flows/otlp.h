#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace pabal::flows {

class Observatory;

// A call one service made to another, as the caller reported it.
struct ReportedCall {
  std::string service;
  std::string peer;
  std::string name;  // of the span: "POST /payments"
  std::string correlation_id;
  std::string outcome;  // "ok", "failed", "timed out"
  std::string reason;
  std::vector<std::string> search;  // order numbers and the like
  WallTime at;                      // when it began
  Duration duration;
  int attempt = 1;
  bool failed = false;
};

struct ReportedSpans {
  std::vector<ReportedCall> calls;  // spans of kind CLIENT that name a peer
  int64_t others = 0;               // spans that are fine and no calls
  int64_t rejected = 0;             // spans that could not be read
  std::string problem;              // of the first rejected one
};

// Limits of one report, after decompression.
constexpr size_t otlp_body_bytes_max = 16 << 20;
constexpr size_t otlp_spans_max = 100'000;

// Reads the JSON of OTLP/HTTP (ExportTraceServiceRequest).
Result<ReportedSpans> read_otlp_json(std::string_view body);

// All of POST /v1/traces: `content_type` must be application/json (wrong_media otherwise), `content_encoding`
// may be empty, identity or gzip. What it read is observed; the JSON is the body of the 200.
Result<nlohmann::json> take_reported_spans(Observatory& observatory, std::string_view content_type,
                                           std::string_view content_encoding, std::string_view body);

}  // namespace pabal::flows
