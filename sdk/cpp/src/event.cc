#include "pabal/pabal.h"

namespace pabal::sdk {

namespace {

const Json* member(const Json& data, std::string_view name) {
  if (!data.is_object()) return nullptr;
  auto it = data.find(name);
  return it == data.end() ? nullptr : &*it;
}

}  // namespace

Result<std::string> Event::text(std::string_view name) const {
  const Json* value = member(data, name);
  if (!value) return error(ErrorCode::invalid, "{}: '{}' is missing in the data of event {}", type, name, id);
  if (!value->is_string()) {
    return error(ErrorCode::invalid, "{}: '{}' is {} and not a text in event {}", type, name,
                 value->type_name(), id);
  }
  return value->get<std::string>();
}

Result<int64_t> Event::integer(std::string_view name) const {
  const Json* value = member(data, name);
  if (!value) return error(ErrorCode::invalid, "{}: '{}' is missing in the data of event {}", type, name, id);
  if (!value->is_number_integer()) {
    return error(ErrorCode::invalid, "{}: '{}' is {} and not a whole number in event {}", type, name,
                 value->type_name(), id);
  }
  return value->get<int64_t>();
}

bool is_permanent(const Error& error) {
  return error.code == ErrorCode::invalid || error.code == ErrorCode::unsupported ||
         error.code == ErrorCode::wrong_media || error.code == ErrorCode::too_large;
}

const std::string& Request::param(std::string_view name) const {
  static const std::string none;
  for (const auto& [param, value] : params) {
    if (param == name) return value;
  }
  return none;
}

Result<Json> Request::json() const {
  Json parsed = Json::parse(body, nullptr, false);
  if (parsed.is_discarded()) return error(ErrorCode::invalid, "the body is not JSON");
  return parsed;
}

}  // namespace pabal::sdk
