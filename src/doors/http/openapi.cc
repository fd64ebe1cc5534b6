#include "doors/http/openapi.h"

#include <algorithm>

#include "base/check.h"

namespace pabal::doors {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return out;
}

// A schema of what the example shows: names and kinds, nothing required, more may come.
Json schema_of(const Json& example) {
  if (example.is_object()) {
    Json schema = {{"type", "object"}};
    for (const auto& [name, value] : example.items()) schema["properties"][name] = schema_of(value);
    return schema;
  }
  if (example.is_array()) {
    Json schema = {{"type", "array"}};
    if (!example.empty()) schema["items"] = schema_of(example.front());
    return schema;
  }
  if (example.is_string()) return {{"type", "string"}};
  if (example.is_boolean()) return {{"type", "boolean"}};
  if (example.is_number_integer()) return {{"type", "integer"}};
  if (example.is_number()) return {{"type", "number"}};
  return Json::object();
}

Json json_content(std::string_view example_text, std::string_view pattern) {
  Json example = Json::parse(example_text, nullptr, false);
  check(!example.is_discarded(), "the example of {} is not JSON: {}", pattern, example_text);
  return {{"application/json", {{"schema", schema_of(example)}, {"example", example}}}};
}

Json parameters_of(const Route& route) {
  Json list = Json::array();
  std::string_view rest = route.pattern;
  for (size_t open = rest.find('{'); open != std::string_view::npos; open = rest.find('{')) {
    size_t close = rest.find('}', open);
    list.push_back({{"name", rest.substr(open + 1, close - open - 1)},
                    {"in", "path"},
                    {"required", true},
                    {"schema", {{"type", "string"}}}});
    rest.remove_prefix(close + 1);
  }
  for (const QueryDoc& q : route.doc.query) {
    list.push_back(
        {{"name", q.name}, {"in", "query"}, {"description", q.what}, {"schema", {{"type", "string"}}}});
  }
  return list;
}

std::string operation_id(const Route& route) {
  std::string id = lower(route.method);
  for (char c : route.pattern) {
    bool word = std::isalnum(static_cast<unsigned char>(c)) != 0;
    if (word) {
      id += c;
    } else if (!id.ends_with('_')) {
      id += '_';
    }
  }
  return id.substr(0, id.find_last_not_of('_') + 1);
}

Json operation(const Route& route) {
  const RouteDoc& doc = route.doc;
  Json answer = {{"description", doc.status == 204 ? "Done" : "The answer"}};
  if (!doc.response.empty()) {
    answer["content"] = json_content(doc.response, route.pattern);
  } else if (doc.status != 204) {
    answer["content"] = {{doc.response_type, {{"schema", {{"type", "string"}}}}}};
  }
  Json op = {{"operationId", operation_id(route)},
             {"tags", Json::array({doc.tag})},
             {"summary", doc.summary},
             {"parameters", parameters_of(route)}};
  if (!doc.request.empty()) op["requestBody"] = {{"content", json_content(doc.request, route.pattern)}};
  op["responses"] = {{std::to_string(doc.status), answer},
                     {"default", {{"$ref", "#/components/responses/Problem"}}}};
  if (route.admission == Admission::open) op["security"] = Json::array();
  return op;
}

Json components() {
  Json problem = {
      {"type", "object"},
      {"properties",
       {{"type", {{"type", "string"}}},
        {"title", {{"type", "string"}}},
        {"status", {{"type", "integer"}}},
        {"detail", {{"type", "string"}, {"description", "What was read and what would be right."}}},
        {"errors",
         {{"type", "array"},
          {"items",
           {{"type", "object"},
            {"properties", {{"field", {{"type", "string"}}}, {"problem", {{"type", "string"}}}}}}}}}}}};
  Json content = {{"application/problem+json", {{"schema", {{"$ref", "#/components/schemas/Problem"}}}}}};
  return {{"schemas", {{"Problem", problem}}},
          {"responses", {{"Problem", {{"description", "What went wrong (RFC 9457)"}, {"content", content}}}}},
          {"securitySchemes", {{"bearer", {{"type", "http"}, {"scheme", "bearer"}}}}}};
}

}  // namespace

Json openapi_json(const RouteTable& table, std::string_view version) {
  Json paths = Json::object();
  for (const Route& route : table.routes()) {
    paths[std::string(route.pattern)][lower(route.method)] = operation(route);
  }
  return {{"openapi", "3.1.0"},
          {"info",
           {{"title", "Pabal"},
            {"version", version},
            {"description",
             "Durations and sizes are text (\"30s\", \"64KiB\"), times are RFC 3339. Fields may be "
             "added; none is renamed or removed. An unknown field in a request is refused."},
            {"license", {{"name", "Apache-2.0"}, {"identifier", "Apache-2.0"}}}}},
          {"servers", Json::array({{{"url", "/"}}})},
          {"security", Json::array({{{"bearer", Json::array()}}, Json::object()})},
          {"paths", paths},
          {"components", components()}};
}

}  // namespace pabal::doors
