#include "runtime/http_problem.h"

#include <nlohmann/json.hpp>

namespace pabal::runtime {

namespace {

struct Reason {
  int status;
  std::string_view text;
};

constexpr Reason reasons[] = {{100, "Continue"},
                              {200, "OK"},
                              {201, "Created"},
                              {202, "Accepted"},
                              {204, "No Content"},
                              {206, "Partial Content"},
                              {301, "Moved Permanently"},
                              {302, "Found"},
                              {303, "See Other"},
                              {304, "Not Modified"},
                              {307, "Temporary Redirect"},
                              {308, "Permanent Redirect"},
                              {400, "Bad Request"},
                              {401, "Unauthorized"},
                              {402, "Payment Required"},
                              {403, "Forbidden"},
                              {404, "Not Found"},
                              {405, "Method Not Allowed"},
                              {406, "Not Acceptable"},
                              {408, "Request Timeout"},
                              {409, "Conflict"},
                              {410, "Gone"},
                              {412, "Precondition Failed"},
                              {413, "Content Too Large"},
                              {415, "Unsupported Media Type"},
                              {417, "Expectation Failed"},
                              {421, "Misdirected Request"},
                              {422, "Unprocessable Content"},
                              {428, "Precondition Required"},
                              {429, "Too Many Requests"},
                              {431, "Request Header Fields Too Large"},
                              {500, "Internal Server Error"},
                              {501, "Not Implemented"},
                              {502, "Bad Gateway"},
                              {503, "Service Unavailable"},
                              {504, "Gateway Timeout"},
                              {505, "HTTP Version Not Supported"},
                              {507, "Insufficient Storage"}};

std::string dump(const nlohmann::json& value) {
  return value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

HttpResponse problem(int status, std::string_view detail, const std::vector<FieldProblem>& fields) {
  nlohmann::json body = {
      {"type", "about:blank"}, {"title", http_reason(status)}, {"status", status}, {"detail", detail}};
  for (const FieldProblem& field : fields) {
    body["errors"].push_back({{"field", field.field}, {"problem", field.problem}});
  }
  HttpResponse response{.status = status, .body = dump(body)};
  response.fields.add("Content-Type", "application/problem+json");
  if (status == 503) response.fields.add("Retry-After", "1");
  return response;
}

}  // namespace

std::string_view http_reason(int status) {
  for (const Reason& reason : reasons) {
    if (reason.status == status) return reason.text;
  }
  return "Unknown";
}

HttpResponse problem_response(int status, std::string_view detail) { return problem(status, detail, {}); }

HttpResponse problem_response(const Error& error) {
  return problem(http_status_of(error.code), error.message, error.fields);
}

}  // namespace pabal::runtime
