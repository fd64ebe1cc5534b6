#include "doors/http/answers.h"

#include <algorithm>

#include "runtime/http_problem.h"

namespace pabal::doors {
namespace {

// What helps takes longer than pressure that passes: somebody has to make room or restart.
constexpr std::string_view retry_after_disk = "10";

}  // namespace

std::string dump(const Json& json) { return json.dump(-1, ' ', false, Json::error_handler_t::replace); }

runtime::HttpResponse json_answer(int status, std::string body) {
  runtime::HttpResponse response{.status = status, .body = std::move(body)};
  response.fields.add("Content-Type", "application/json");
  return response;
}

runtime::HttpResponse json_answer(int status, const Json& body) { return json_answer(status, dump(body)); }

runtime::HttpResponse no_content() { return {.status = 204}; }

runtime::HttpResponse problem_answer(const Error& error) {
  runtime::HttpResponse response = runtime::problem_response(error);
  if (error.code == ErrorCode::disk_full || error.code == ErrorCode::read_only) {
    response.fields.set("Retry-After", std::string(retry_after_disk));
  }
  if (error.code == ErrorCode::unauthorized) response.fields.set("WWW-Authenticate", "Bearer");
  return response;
}

Result<void> need_plain(const runtime::HttpRequest& request) {
  std::string_view encoding = request.fields.get("content-encoding", "identity");
  if (encoding == "identity" || request.body.empty()) return {};
  return error(ErrorCode::wrong_media, "the content encoding is '{}'; this call reads plain bodies",
               encoding);
}

Result<void> need_json(const runtime::HttpRequest& request) {
  if (auto ok = need_plain(request); !ok) return ok;
  const std::string* type = request.fields.find("content-type");
  if (type == nullptr || request.body.empty()) return {};
  std::string plain = type->substr(0, type->find(';'));
  std::ranges::transform(plain, plain.begin(),
                         [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  plain.erase(plain.find_last_not_of(' ') + 1);
  if (plain == "application/json" || plain.ends_with("+json")) return {};
  return error(ErrorCode::wrong_media, "the content type is '{}'; this call reads application/json", *type);
}

}  // namespace pabal::doors
