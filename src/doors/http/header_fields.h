#pragma once

#include <optional>
#include <string>
#include <vector>

#include "doors/http/fields.h"

namespace pabal::doors {

// A record's or message's header as a body gives it.
struct GivenHeader {
  std::string name;
  std::optional<std::string> value;
};

// `"headers": {"a": "b"}`
void read_headers(const Field& field, std::vector<GivenHeader>& out);
// `"header_list": [{"name", "value" | "value_base64"}]`, for repeated, null and binary ones
void read_header_list(const Field& field, std::vector<GivenHeader>& out);
// Notes what is over the limits; `field` is the record.
void check_header_limits(const Field& field, const std::vector<GivenHeader>& headers);

}  // namespace pabal::doors
