#include "pabal/pabal.h"
#include "runtime/http.h"

namespace pabal::sdk {

std::optional<std::string> Request::query(std::string_view name) const {
  return runtime::query_value(query_string, name);
}

std::optional<std::string> Request::header(std::string_view name) const {
  runtime::HttpFields fields;
  for (const auto& [field, value] : headers) fields.add(field, value);
  const std::string* value = fields.find(name);
  return value ? std::optional(*value) : std::nullopt;
}

}  // namespace pabal::sdk
