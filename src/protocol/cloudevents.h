#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "runtime/http.h"

namespace pabal::protocol {

// CloudEvents 1.0: reading an event from an HTTP request (all three content modes), and what it looks like as
// a record in CloudEvents' Kafka binary binding. https://github.com/cloudevents/spec

struct CloudEvent {
  // id, source, specversion and type among them; in the order read; datacontenttype is kept apart.
  std::vector<std::pair<std::string, std::string>> attributes;
  std::optional<std::string> content_type;
  std::optional<std::string> data;

  // The attribute of that name, or nullptr.
  [[nodiscard]] const std::string* find(std::string_view name) const;
};

enum class CloudEventMode { none, binary, structured, batch };

constexpr size_t cloud_event_batch_max = 10'000;
constexpr size_t cloud_event_attributes_max = 100;
constexpr size_t cloud_event_problems_max = 20;  // told in one error
constexpr size_t cloud_event_name_bytes_max = 64;

// How a request carries events; none when it carries no CloudEvent. The content type decides, as the binding
// says.
[[nodiscard]] CloudEventMode cloud_event_mode(const runtime::HttpFields& fields);

// The events of a request whose mode is not none. An error lists every wrong attribute.
[[nodiscard]] Result<std::vector<CloudEvent>> read_cloud_events(CloudEventMode mode,
                                                                const runtime::HttpFields& fields,
                                                                std::string_view body);

// The record headers of an event in the Kafka binary binding: `ce_<name>`, and `content-type`.
[[nodiscard]] std::vector<std::pair<std::string, std::string>> kafka_headers_of(const CloudEvent& event);

}  // namespace pabal::protocol
