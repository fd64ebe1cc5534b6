#include "doors/http/route.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/check.h"

namespace pabal::doors {
namespace {

using Segments = std::vector<std::string_view>;

constexpr size_t segments_max = 16;

Segments split(std::string_view path) {
  Segments segments;
  while (!path.empty() && segments.size() <= segments_max) {
    path.remove_prefix(1);  // the '/'
    size_t end = path.find('/');
    segments.push_back(path.substr(0, end));
    path = end == std::string_view::npos ? std::string_view() : path.substr(end);
  }
  return segments;
}

bool is_capture(std::string_view segment) { return segment.starts_with('{'); }

bool fits(const Segments& pattern, const Segments& path) {
  return std::ranges::equal(pattern, path, [](std::string_view p, std::string_view segment) {
    return is_capture(p) ? !segment.empty() : p == segment;
  });
}

// HEAD is answered like GET; the server sends no body for it.
std::string_view as_routed(std::string_view method) { return method == "HEAD" ? "GET" : method; }

}  // namespace

const std::string& Call::name(std::string_view which) const {
  auto found = std::ranges::find(names, which, &std::pair<std::string, std::string>::first);
  check(found != names.end(), "the route of {} captures no {}", request.target, which);
  return found->second;
}

void RouteTable::add(Route route) {
  check(route.pattern.starts_with('/'), "route '{}' does not begin with '/'", route.pattern);
  segments_.push_back(split(route.pattern));
  routes_.push_back(std::move(route));
}

Result<RouteTable::Match> RouteTable::find(std::string_view method, std::string_view path) const {
  Segments segments = split(path);
  bool known_path = false;
  for (size_t i = 0; i < routes_.size(); ++i) {
    if (!fits(segments_[i], segments)) continue;
    known_path = true;
    if (routes_[i].method != as_routed(method)) continue;
    Match match{.route = &routes_[i], .index = i};
    for (size_t s = 0; s < segments.size(); ++s) {
      std::string_view pattern = segments_[i][s];
      if (!is_capture(pattern)) continue;
      auto name = runtime::percent_decode(segments[s]);
      if (!name)
        return error(ErrorCode::invalid, "'{}' in the path is not percent-encoded text", segments[s]);
      match.names.emplace_back(pattern.substr(1, pattern.size() - 2), std::move(*name));
    }
    return match;
  }
  if (known_path) return error(ErrorCode::wrong_method, "{} is not one of {}", method, allowed(path));
  return error(ErrorCode::not_found, "there is no {}; /v1/openapi.json lists what there is", path);
}

std::string RouteTable::allowed(std::string_view path) const {
  Segments segments = split(path);
  std::vector<std::string_view> methods;
  for (size_t i = 0; i < routes_.size(); ++i) {
    if (fits(segments_[i], segments)) methods.push_back(routes_[i].method);
  }
  return fmt::format("{}", fmt::join(methods, ", "));
}

}  // namespace pabal::doors
