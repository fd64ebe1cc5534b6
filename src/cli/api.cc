#include "cli/api.h"

#include <algorithm>
#include <fmt/format.h>

#include "base/clock.h"

namespace pabal::cli {
namespace {

// So that sums of what a server says stay numbers.
constexpr int64_t counts_max = int64_t{1} << 53;
constexpr std::chrono::days times_max{10'000};

Error problem_of(const runtime::HttpResponse& answer) {
  Json problem = Json::parse(answer.body, nullptr, false);
  std::string text = text_at(problem, "detail", text_at(problem, "title"));
  if (text.empty()) text = fmt::format("the server answered {}", answer.status);
  for (const auto& field : member_of(problem, "errors")) {
    text += fmt::format("\n  {}: {}", text_at(field, "field"), text_at(field, "problem"));
  }
  if (answer.status == 401) text += "\n  give a token with --token or PABAL_TOKEN";
  ErrorCode code = answer.status == 404   ? ErrorCode::not_found
                   : answer.status == 409 ? ErrorCode::conflict
                   : answer.status < 500  ? ErrorCode::invalid
                                          : ErrorCode::unavailable;
  return {code, std::move(text)};
}

Error absence(const std::string& server, const Error& failure) {
  return {failure.code,
          fmt::format("no answer from {}: {}\n  is it running? `pabal serve` starts one; --server "
                      "names another",
                      server, failure.message)};
}

}  // namespace

Api::Api(Options options, runtime::Url url)
    : options_(std::move(options)),
      url_(std::move(url)),
      client_(std::make_unique<runtime::BlockingHttpClient>()) {}

Result<Api> Api::make(Options options) {
  if (options.server.find("://") == std::string::npos) options.server = "http://" + options.server;
  while (options.server.ends_with('/')) options.server.pop_back();
  auto url = runtime::Url::parse(options.server);
  if (!url) return std::unexpected(url.error());
  return Api(std::move(options), std::move(*url));
}

runtime::HttpRequest Api::request(std::string_view method, std::string path, const Fields& fields) const {
  runtime::HttpRequest request;
  request.method = method;
  request.target = (url_.target == "/" ? "" : url_.target) + path;
  if (!options_.token.empty()) request.fields.add("Authorization", "Bearer " + options_.token);
  for (const auto& [name, value] : fields) request.fields.add(name, value);
  return request;
}

Result<Json> Api::call(std::string_view method, std::string path, const Json& body, Duration within,
                       const Fields& fields) {
  status_ = 0;
  auto asked = request(method, std::move(path), fields);
  if (!body.is_null()) {
    asked.fields.add("Content-Type", "application/json");
    asked.body = body.dump();
  }
  auto answer = client_->request(url_, std::move(asked), Deadline::after(system_clock(), within));
  if (!answer) return std::unexpected(absence(options_.server, answer.error()));
  status_ = answer->status;
  if (answer->status / 100 != 2) return std::unexpected(problem_of(*answer));
  if (answer->body.empty()) return Json(nullptr);
  Json json = Json::parse(answer->body, nullptr, false);
  if (json.is_discarded()) {
    return error(ErrorCode::peer_failed, "{} answered something that is not JSON; is it a Pabal server?",
                 options_.server);
  }
  return json;
}

Result<void> Api::follow(std::string path, const Fields& fields,
                         std::function<bool(std::string_view)> piece) {
  status_ = 0;
  auto answer =
      client_->stream(url_, request("GET", std::move(path), fields), Deadline::never(), std::move(piece));
  if (!answer) return std::unexpected(absence(options_.server, answer.error()));
  status_ = answer->status;
  if (answer->status / 100 != 2) return std::unexpected(problem_of(*answer));
  return {};
}

std::string segment(std::string_view name) { return runtime::percent_encode(name); }

const Json& member_of(const Json& json, std::string_view name) {
  static const Json none;
  if (!json.is_object()) return none;
  auto found = json.find(std::string(name));
  return found == json.end() ? none : *found;
}

std::string text_at(const Json& json, std::string_view name, std::string_view otherwise) {
  const Json& member = member_of(json, name);
  return member.is_string() ? member.get<std::string>() : std::string(otherwise);
}

double number_at(const Json& json, std::string_view name, double otherwise) {
  const Json& member = member_of(json, name);
  return member.is_number() ? member.get<double>() : otherwise;
}

int64_t count_at(const Json& json, std::string_view name) {
  const Json& member = member_of(json, name);
  if (!member.is_number()) return 0;
  if (member.is_number_integer()) return std::clamp(member.get<int64_t>(), -counts_max, counts_max);
  constexpr auto most = static_cast<double>(counts_max);
  return static_cast<int64_t>(std::clamp(member.get<double>(), -most, most));
}

Duration seconds_of(double seconds) {
  constexpr std::chrono::duration<double> most = times_max;
  return std::chrono::duration_cast<Duration>(
      std::clamp(std::chrono::duration<double>(seconds), -most, most));
}

Duration time_between(WallTime earlier, WallTime later) {
  constexpr std::chrono::milliseconds most = times_max;
  return std::clamp(later - earlier, -most, most);
}

}  // namespace pabal::cli
