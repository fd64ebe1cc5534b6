#pragma once

#include <deque>
#include <string>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "broker/topic.h"
#include "doors/http/header_fields.h"
#include "runtime/http.h"

namespace pabal::doors {

// What a request to publish carries. Owns, with the request, every byte that the views of its records show:
// both stay where they are until the broker has answered.
struct PublishBody {
  PublishBody() = default;
  PublishBody(const PublishBody&) = delete;
  PublishBody& operator=(const PublishBody&) = delete;

  std::deque<std::string> texts;
  std::vector<broker::PublishRecord> records;
  bool has_sequences = false;

  // Keeps a text and shows it.
  std::string_view keep(std::string text) { return texts.emplace_back(std::move(text)); }
};

// Reads the records of a request: `{"records": […]}`, CloudEvents in their three modes, or one raw value.
// `now` is the time of records that name none.
Result<void> read_publish_body(const runtime::HttpRequest& request, WallTime now, PublishBody& out);

// Gives every record what the request says about the flow it belongs to, unless its own headers say so
// already: `correlationid` (`correlation_id`, or for an empty one `make_id()` for each record), traceparent,
// tracestate.
void add_flow_headers(const runtime::HttpRequest& request, const std::function<std::string()>& make_id,
                      PublishBody& body);

}  // namespace pabal::doors
