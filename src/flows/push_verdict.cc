#include "flows/push_verdict.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "flows/words.h"
#include "runtime/http_client.h"

namespace pabal::flows {
namespace {

using nlohmann::json;
using Kind = PushVerdict::Kind;

constexpr std::array<std::string_view, 12> months = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

std::optional<int> number(std::string_view text) {
  int value = 0;
  auto [end, status] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (status != std::errc{} || end != text.data() + text.size() || value < 0) return std::nullopt;
  return value;
}

// RFC 9110's IMF-fixdate, the only form that may be sent.
std::optional<WallTime> read_http_date(std::string_view text) {
  constexpr std::string_view form = "Fri, 31 Dec 1999 23:59:59 GMT";
  if (text.size() != form.size() || !text.ends_with(" GMT")) return std::nullopt;
  const auto* month = std::ranges::find(months, text.substr(8, 3));
  auto day = number(text.substr(5, 2));
  auto year = number(text.substr(12, 4));
  auto hour = number(text.substr(17, 2));
  auto minute = number(text.substr(20, 2));
  auto second = number(text.substr(23, 2));
  if (month == months.end() || !day || !year || !hour || !minute || !second) return std::nullopt;
  std::chrono::year_month_day date{std::chrono::year(*year),
                                   std::chrono::month(static_cast<unsigned>(month - months.begin()) + 1),
                                   std::chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  return WallTime(std::chrono::sys_days(date)) + std::chrono::hours(*hour) + std::chrono::minutes(*minute) +
         std::chrono::seconds(*second);
}

// What the endpoint says went wrong: problem details say it in `detail`.
std::string words_of(const runtime::HttpResponse& answer) {
  json body = json::parse(answer.body, nullptr, false);
  if (body.is_object()) {
    for (auto name : {"detail", "error", "message", "title"}) {
      auto member = body.find(name);
      if (member != body.end() && member->is_string()) return quotable(member->get<std::string>(), 400);
    }
  }
  return quotable(answer.body, 400);
}

Kind kind_of(int status) {
  if (status >= 200 && status < 300) return Kind::ack;
  switch (status) {
    case 400:
    case 413:
    case 415:
    case 422:
      return Kind::dead;
    case 410:
      return Kind::pause;
    case 429:
    case 502:
    case 503:
    case 504:
      return Kind::rest;
    default:
      return Kind::nack;
  }
}

}  // namespace

std::optional<Duration> read_retry_after(std::string_view text, WallTime now) {
  if (auto seconds = number(text)) return std::chrono::seconds(*seconds);
  auto date = read_http_date(text);
  if (!date) return std::nullopt;
  // Nobody waits longer than that, and a year 9999 in nanoseconds would not fit.
  constexpr std::chrono::milliseconds wait_max = std::chrono::days(366);
  return std::clamp<std::chrono::milliseconds>(*date - now, std::chrono::milliseconds(0), wait_max);
}

PushVerdict push_verdict(const Result<runtime::HttpResponse>& answer, WallTime now) {
  if (!answer) {
    const Error& problem = answer.error();
    bool absent = problem.code == ErrorCode::timed_out || problem.code == ErrorCode::unreachable ||
                  (problem.code == ErrorCode::peer_failed && !runtime::is_garbled(problem));
    return {.kind = absent ? Kind::rest : Kind::nack,
            .reason = problem.message,
            .silent = problem.code == ErrorCode::timed_out};
  }
  PushVerdict verdict{.kind = kind_of(answer->status)};
  if (verdict.kind == Kind::ack) return verdict;
  std::string words = words_of(*answer);
  verdict.reason = fmt::format("answered {}{}{}", answer->status, words.empty() ? "" : ": ", words);
  if (answer->status >= 300 && answer->status < 400) verdict.reason += " (redirects are not followed)";
  if (verdict.kind == Kind::rest) {
    verdict.retry_after = read_retry_after(answer->fields.get("Retry-After"), now);
  }
  return verdict;
}

}  // namespace pabal::flows
