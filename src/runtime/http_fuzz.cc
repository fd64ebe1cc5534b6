#include "base/fuzz.h"
#include "runtime/http.h"
#include "runtime/http_client.h"
#include "runtime/http_head.h"
#include "runtime/listener_address.h"

// What is ours of HTTP's texts: escapes, queries, addresses, and heads that nobody adds a field to. The first
// byte chooses.

namespace pabal::runtime {
namespace {

void try_percent(std::string_view text) {
  auto decoded = percent_decode(text);
  if (decoded) check(decoded->size() <= text.size(), "{} bytes from {}", decoded->size(), text.size());
  check(percent_decode(percent_encode(text)) == text, "{} bytes came back changed", text.size());
}

void try_query(std::string_view text) {
  std::string_view name = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), name.size() + 1));
  static_cast<void>(query_value(text, name));
  std::string pair = percent_encode(name) + "=" + percent_encode(text);
  check(query_value("a&" + pair, name) == (name == "a" ? std::string_view() : text),
        "a parameter came back changed");
}

void try_url(std::string_view text) {
  auto url = Url::parse(text);
  if (!url) return;
  check(!url->host.empty() && url->target.starts_with('/'), "an address without host or path");
  std::string written = fmt::format("{}://{}{}", url->tls ? "https" : "http", url->authority(), url->target);
  auto again = Url::parse(written);
  check(again && again->host == url->host && again->port == url->port && again->target == url->target &&
            again->tls == url->tls,
        "{:?} is written as {:?}", text, written);
}

void try_listener(std::string_view text) {
  auto endpoint = parse_listener_address(text);
  if (!endpoint) return;
  auto again = parse_listener_address(text_of(*endpoint));
  check(again && *again == *endpoint, "{:?} is written as {:?}", text, text_of(*endpoint));
}

// As many lines as fields, each ended by CRLF and holding no other line end, whatever the fields say.
void check_head(std::string_view head, size_t lines) {
  check(head.ends_with("\r\n\r\n"), "a head of {} bytes does not end", head.size());
  size_t seen = 0;
  for (size_t at = 0; at + 2 < head.size(); ++seen) {
    size_t end = head.find_first_of(std::string_view("\r\n\0", 3), at);
    check(end != std::string_view::npos && head.substr(end, 2) == "\r\n", "line {} of a head is broken",
          seen);
    at = end + 2;
  }
  check(seen == lines, "{} lines in a head of {}", seen, lines);
}

void try_head(std::string_view text) {
  HttpRequest request{.method = "PATCH"};
  HttpResponse response;
  size_t fields = 0;
  while (!text.empty() && fields < 8) {
    std::string_view name = text.substr(0, text.find(':'));
    text.remove_prefix(std::min(text.size(), name.size() + 1));
    std::string_view value = text.substr(0, text.find('|'));
    text.remove_prefix(std::min(text.size(), value.size() + 1));
    request.target = value;
    request.fields.add(fmt::format("x{}", name), std::string(value));
    response.fields.add(fmt::format("x{}", name), std::string(value));
    ++fields;
  }
  check_head(request_head(request, "h"), 3 + fields);  // the request line, Host, Content-Length
  check_head(response_head(response, BodyFraming::length, true), 4 + fields);
}

constexpr std::array choices = {try_percent, try_query, try_url, try_listener, try_head};

}  // namespace
}  // namespace pabal::runtime

PABAL_FUZZ(http) {
  uint8_t choice = pabal::take_byte(input);
  pabal::runtime::choices[choice % pabal::runtime::choices.size()](pabal::as_text(input));
}
