#include <charconv>

#include "runtime/http_client.h"

namespace pabal::runtime {

namespace {

bool is_port(std::string_view text) {
  unsigned value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  return problem == std::errc() && end == text.data() + text.size() && value >= 1 && value <= 65535;
}

bool is_printable(std::string_view text) {
  for (char c : text) {
    if (c <= ' ' || c >= 127) return false;
  }
  return true;
}

}  // namespace

Result<Url> Url::parse(std::string_view text) {
  auto wrong = [&](std::string_view why) {
    return error(ErrorCode::invalid, "'{}' is not an address: {}; right is http://HOST[:PORT][/PATH]", text,
                 why);
  };
  Url url;
  std::string_view rest = text;
  if (rest.starts_with("https://")) {
    url.tls = true;
    rest.remove_prefix(8);
  } else if (rest.starts_with("http://")) {
    rest.remove_prefix(7);
  } else {
    return wrong("it starts with neither http:// nor https://");
  }
  if (!is_printable(rest)) return wrong("it has spaces or control characters");
  rest = rest.substr(0, rest.find('#'));
  std::string_view authority = rest.substr(0, rest.find_first_of("/?"));
  rest.remove_prefix(authority.size());
  if (authority.contains('@')) return wrong("it carries a user name");
  size_t colon = authority.rfind(':');
  bool has_port = colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  std::string_view host = has_port ? authority.substr(0, colon) : authority;
  url.port = has_port ? std::string(authority.substr(colon + 1)) : url.tls ? "443" : "80";
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host.empty()) return wrong("it has no host");
  if (!is_port(url.port)) return wrong("its port is not between 1 and 65535");
  url.host = host;
  if (!rest.empty()) url.target = rest.starts_with('/') ? std::string(rest) : "/" + std::string(rest);
  return url;
}

std::string Url::authority() const {
  return host.contains(':') ? fmt::format("[{}]:{}", host, port) : fmt::format("{}:{}", host, port);
}

}  // namespace pabal::runtime
