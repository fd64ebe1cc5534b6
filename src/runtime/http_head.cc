#include "runtime/http_head.h"

#include <ctime>

#include "runtime/http_problem.h"

namespace pabal::runtime {

namespace {

void append_clean(std::string& out, std::string_view text) {
  for (char c : text) out.push_back(c == '\r' || c == '\n' || c == '\0' ? ' ' : c);
}

bool frames_message(std::string_view name) {
  auto is = [&](std::string_view other) {
    return name.size() == other.size() && ::strncasecmp(name.data(), other.data(), name.size()) == 0;
  };
  return is("content-length") || is("transfer-encoding") || is("connection") || is("date") || is("host");
}

void append_field(std::string& out, std::string_view name, std::string_view value) {
  append_clean(out, name);
  out.append(": ");
  append_clean(out, value);
  out.append("\r\n");
}

// RFC 9110 "Sat, 21 Nov 2026 10:00:00 GMT"; made once a second per thread.
std::string_view date_text() {
  thread_local std::time_t second = 0;
  thread_local std::string text;
  std::time_t now = std::time(nullptr);
  if (now != second) {
    std::tm parts{};
    gmtime_r(&now, &parts);
    char buffer[64];
    text.assign(buffer, std::strftime(buffer, sizeof buffer, "%a, %d %b %Y %H:%M:%S GMT", &parts));
    second = now;
  }
  return text;
}

}  // namespace

std::string response_head(const HttpResponse& response, BodyFraming framing, bool keep_alive) {
  std::string head;
  head.reserve(256);
  fmt::format_to(std::back_inserter(head), "HTTP/1.1 {} {}\r\n", response.status,
                 http_reason(response.status));
  append_field(head, "Date", date_text());
  for (const auto& [name, value] : response.fields) {
    if (!frames_message(name)) append_field(head, name, value);
  }
  if (framing == BodyFraming::length) {
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", response.body.size());
  } else if (framing == BodyFraming::chunked) {
    head.append("Transfer-Encoding: chunked\r\n");
  }
  head.append(keep_alive ? "Connection: keep-alive\r\n\r\n" : "Connection: close\r\n\r\n");
  return head;
}

std::string request_head(const HttpRequest& request, std::string_view host) {
  std::string head;
  head.reserve(256);
  append_clean(head, request.method);
  head.push_back(' ');
  append_clean(head, request.target);
  head.append(" HTTP/1.1\r\n");
  append_field(head, "Host", host);
  for (const auto& [name, value] : request.fields) {
    if (!frames_message(name)) append_field(head, name, value);
  }
  bool may_have_body = request.method != "GET" && request.method != "HEAD" && request.method != "DELETE";
  if (may_have_body || !request.body.empty()) {
    fmt::format_to(std::back_inserter(head), "Content-Length: {}\r\n", request.body.size());
  }
  head.append("\r\n");
  return head;
}

}  // namespace pabal::runtime
