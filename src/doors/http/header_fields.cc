#include "doors/http/header_fields.h"

#include <fmt/format.h>

#include "broker/topic.h"

namespace pabal::doors {
namespace {

void read_one(const Field& field, std::vector<GivenHeader>& out) {
  std::optional<std::string> name;
  std::optional<std::string> value;
  bool binary = false;
  bool given = false;
  bool is_object = field.object({
      {"name", [&](const Field& f) { name = f.text(); }},
      {"value", [&](const Field& f) { given = true, value = f.is_null() ? std::nullopt : f.text(); }},
      {"value_base64", [&](const Field& f) { binary = true, value = f.base64(); }},
  });
  if (!is_object) return;
  if (!name) return field.problem("has no name");
  if (given == binary) return field.problem("needs one of value and value_base64");
  out.push_back({std::move(*name), std::move(value)});
}

}  // namespace

void read_headers(const Field& field, std::vector<GivenHeader>& out) {
  field.any_members([&](const std::string& name, const Field& value) {
    if (out.size() > broker::headers_per_record_max) return;  // one too many is enough to be told
    if (auto text = value.text()) out.push_back({name, std::move(*text)});
  });
}

void read_header_list(const Field& field, std::vector<GivenHeader>& out) {
  field.array(broker::headers_per_record_max, [&](const Field& f) { read_one(f, out); });
}

void check_header_limits(const Field& field, const std::vector<GivenHeader>& headers) {
  size_t bytes = 0;
  for (const GivenHeader& h : headers) bytes += h.name.size() + (h.value ? h.value->size() : 0);
  if (headers.size() > broker::headers_per_record_max) {
    field.problem(fmt::format("has more than {} headers", broker::headers_per_record_max));
  }
  if (bytes > broker::header_bytes_max) {
    field.problem(
        fmt::format("has {} bytes of headers; at most {} are right", bytes, broker::header_bytes_max));
  }
}

}  // namespace pabal::doors
