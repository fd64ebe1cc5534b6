#include "router.h"

#include "runtime/http.h"

namespace pabal::sdk {

namespace {

std::vector<std::string> split(std::string_view path) {
  std::vector<std::string> out;
  while (!path.empty()) {
    path.remove_prefix(1);
    std::string_view segment = path.substr(0, path.find('/'));
    out.emplace_back(segment);
    path.remove_prefix(segment.size());
  }
  return out;
}

bool is_param(std::string_view segment) { return segment.starts_with('{') && segment.ends_with('}'); }

}  // namespace

void Router::add(std::string method, std::string path, RequestHandler handler) {
  routes_.push_back({std::move(method), split(path), std::move(handler)});
}

std::optional<Router::Params> Router::match(const Route& route, const std::vector<std::string>& path) {
  if (route.segments.size() != path.size()) return std::nullopt;
  Params params;
  for (size_t i = 0; i < path.size(); ++i) {
    const std::string& segment = route.segments[i];
    if (is_param(segment) && !path[i].empty()) {
      params.emplace_back(segment.substr(1, segment.size() - 2), path[i]);
    } else if (segment != path[i]) {
      return std::nullopt;
    }
  }
  return params;
}

Result<Router::Found> Router::find(std::string_view method, std::string_view path) const {
  std::vector<std::string> segments = split(path);
  for (std::string& segment : segments) {
    auto decoded = runtime::percent_decode(segment);
    if (!decoded) return error(ErrorCode::invalid, "the path holds a malformed escape");
    segment = std::move(*decoded);
  }
  bool other_method = false;
  for (const Route& route : routes_) {
    auto params = match(route, segments);
    if (!params) continue;
    if (route.method == method) return Found{&route.handler, std::move(*params)};
    other_method = true;
  }
  if (other_method) return error(ErrorCode::wrong_method, "{} does not take {}", path, method);
  return error(ErrorCode::not_found, "there is no {} {}", method, path);
}

}  // namespace pabal::sdk
