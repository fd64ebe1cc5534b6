#include "doors/http/query.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "base/units.h"
#include "protocol/json.h"
#include "runtime/http.h"

namespace pabal::doors {
namespace {

constexpr size_t parameters_max = 64;

// Form style: '+' is a space.
std::optional<std::string> decode(std::string_view text) {
  std::string plain(text);
  std::ranges::replace(plain, '+', ' ');
  auto decoded = runtime::percent_decode(plain);
  return decoded && protocol::is_utf8(*decoded) ? decoded : std::nullopt;
}

}  // namespace

Query::Query(std::string_view query) {
  while (!query.empty() && parameters_.size() < parameters_max) {
    std::string_view part = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), part.size() + 1));
    if (part.empty()) continue;
    size_t equals = part.find('=');
    auto name = decode(part.substr(0, equals));
    auto value = equals == std::string_view::npos ? std::string() : decode(part.substr(equals + 1));
    if (name && value) {
      parameters_.push_back({std::move(*name), std::move(*value)});
    } else {
      problem("query", fmt::format("'{}' is not percent-encoded UTF-8", part));
    }
  }
  if (!query.empty()) problem("query", fmt::format("has more than {} parameters", parameters_max));
}

std::optional<std::string> Query::text(std::string_view name) {
  known_.emplace_back(name);
  std::optional<std::string> found;
  for (Parameter& p : parameters_) {
    if (p.name != name) continue;
    p.taken = true;
    if (found) problem(name, "is there twice");
    found = p.value;
  }
  return found;
}

std::optional<int64_t> Query::integer(std::string_view name, int64_t min, int64_t max) {
  auto read = text(name);
  if (!read) return std::nullopt;
  int64_t n = 0;
  const char* end = read->data() + read->size();
  auto [stop, failed] = std::from_chars(read->data(), end, n);
  if (failed == std::errc() && stop == end && n >= min && n <= max) return n;
  problem(name, max == INT64_MAX
                    ? fmt::format("read '{}'; right is a whole number from {}", *read, min)
                    : fmt::format("read '{}'; right is a whole number from {} to {}", *read, min, max));
  return std::nullopt;
}

std::optional<Duration> Query::duration(std::string_view name, Duration max) {
  auto read = text(name);
  if (!read) return std::nullopt;
  auto d = parse_duration(*read);
  if (d && *d <= max) return *d;
  problem(name,
          fmt::format("read '{}'; right is a duration such as 20s, at most {}", *read, format_duration(max)));
  return std::nullopt;
}

std::vector<std::pair<std::string, std::string>> Query::with_prefix(std::string_view prefix) {
  known_.push_back(fmt::format("{}<name>", prefix));
  std::vector<std::pair<std::string, std::string>> found;
  for (Parameter& p : parameters_) {
    if (!p.name.starts_with(prefix) || p.name.size() == prefix.size()) continue;
    p.taken = true;
    found.emplace_back(p.name.substr(prefix.size()), p.value);
  }
  return found;
}

void Query::problem(std::string_view name, std::string text) {
  problems_.push_back({std::string(name), std::move(text)});
}

Result<void> Query::finish() {
  for (const Parameter& p : parameters_) {
    if (p.taken) continue;
    problem(p.name, known_.empty() ? std::string("is not known; this call has no parameters")
                                   : fmt::format("is not known; known are {}", fmt::join(known_, ", ")));
  }
  if (problems_.empty()) return {};
  std::string detail = fmt::format("parameter {}: {}", problems_.front().field, problems_.front().problem);
  return std::unexpected(Error{ErrorCode::invalid, std::move(detail), std::move(problems_)});
}

}  // namespace pabal::doors
