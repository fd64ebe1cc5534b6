#include "shop/story/http.h"

namespace shop {

using pabal::runtime::HttpRequest;

namespace {
constexpr std::chrono::seconds answer_within{5};
}

Result<HttpAnswer> Http::get(const std::string& address, const std::string& path) {
  return request(address, {.method = "GET", .target = path});
}

Result<HttpAnswer> Http::post(const std::string& address, const std::string& path,
                              const nlohmann::json& body) {
  HttpRequest request{.method = "POST", .target = path};
  if (!body.is_null()) {
    request.fields.add("Content-Type", "application/json");
    request.body = body.dump();
  }
  return this->request(address, std::move(request));
}

Result<HttpAnswer> Http::request(const std::string& address, HttpRequest request) {
  auto url = pabal::runtime::Url::parse("http://" + address);
  if (!url) return std::unexpected(url.error());
  auto deadline = pabal::Deadline::after(pabal::system_clock(), answer_within);
  auto response = client_.request(*url, std::move(request), deadline);
  if (!response) return std::unexpected(response.error());
  auto body = nlohmann::json::parse(response->body, nullptr, false);
  return HttpAnswer{response->status, body.is_discarded() ? nlohmann::json() : std::move(body)};
}

}  // namespace shop
