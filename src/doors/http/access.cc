#include "doors/http/access.h"

#include <algorithm>
#include <boost/asio/ip/address.hpp>
#include <fmt/format.h>

namespace pabal::doors {
namespace {

namespace ip = boost::asio::ip;

constexpr size_t shown_bytes_max = 80;

std::string lower(std::string_view text) {
  std::string out(text);
  std::ranges::transform(out, out.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? char(c + 32) : c; });
  return out;
}

std::string_view shown(std::string_view text) { return text.substr(0, shown_bytes_max); }

std::optional<ip::address> address_of(std::string_view host) {
  boost::system::error_code failed;
  ip::address address = ip::make_address(host, failed);
  return failed ? std::nullopt : std::optional(address);
}

}  // namespace

std::optional<HostPort> parse_host_port(std::string_view text) {
  HostPort parts;
  std::string_view rest;
  if (text.starts_with('[')) {
    size_t end = text.find(']');
    if (end == std::string_view::npos) return std::nullopt;
    parts.host = lower(text.substr(1, end - 1));
    rest = text.substr(end + 1);
  } else {
    parts.host = lower(text.substr(0, text.find(':')));
    rest = text.substr(parts.host.size());
  }
  if (parts.host.ends_with('.')) parts.host.pop_back();
  if (!rest.empty() && rest.front() != ':') return std::nullopt;
  if (!rest.empty()) parts.port = rest.substr(1);
  if (parts.host.empty() || !std::ranges::all_of(parts.port, [](char c) { return c >= '0' && c <= '9'; })) {
    return std::nullopt;
  }
  return parts;
}

bool is_loopback(std::string_view host) {
  auto address = address_of(host);
  return host == "localhost" || (address && address->is_loopback());
}

bool is_ip_address(std::string_view host) { return address_of(host).has_value(); }

bool is_any_address(std::string_view host) {
  auto address = address_of(host);
  return address && address->is_unspecified();
}

Access::Access(std::string listen, std::vector<std::string> allowed_hosts, Tokens tokens,
               const broker::Security* security)
    : tokens_(std::move(tokens)), security_(security) {
  if (auto parts = parse_host_port(listen)) listen_host_ = parts->host;
  for (const std::string& host : allowed_hosts) {
    if (auto parts = parse_host_port(host)) allowed_.push_back(std::move(*parts));
  }
}

Result<std::string> Access::admit(const runtime::HttpRequest& request, Admission admission) const {
  if (auto ok = check_host(request); !ok) return std::unexpected(ok.error());
  if (auto ok = check_origin(request); !ok) return std::unexpected(ok.error());
  if (tokens_.empty() || admission == Admission::open) return std::string();
  return check_token(request);
}

Result<void> Access::check_host(const runtime::HttpRequest& request) const {
  const std::string* host = request.fields.find("host");
  if (host == nullptr)
    return error(ErrorCode::invalid, "the request has no Host field, which HTTP/1.1 needs");
  auto asked = parse_host_port(*host);
  if (asked && (is_ours(*asked) || is_allowed(*asked))) return {};
  return error(
      ErrorCode::forbidden,
      "Host '{}' is not this server; start it with --allowed-host NAME to let it be reached by that name",
      shown(*host));
}

// A page of another site can make a browser send requests here, and names where it came from.
Result<void> Access::check_origin(const runtime::HttpRequest& request) const {
  if (const std::string* origin = request.fields.find("origin")) {
    size_t scheme = origin->find("://");
    auto from = scheme == std::string::npos ? std::nullopt
                                            : parse_host_port(std::string_view(*origin).substr(scheme + 3));
    auto host = parse_host_port(request.fields.get("host"));
    bool same = from && host && from->host == host->host && from->port == host->port;
    if (!same && !(from && is_allowed(*from))) {
      return error(ErrorCode::forbidden, "pages of origin '{}' may not use this server", shown(*origin));
    }
    return {};
  }
  std::string_view site = request.fields.get("sec-fetch-site");
  bool foreign = site == "cross-site" || site == "same-site";
  if (foreign && request.fields.get("sec-fetch-mode") != "navigate") {
    return error(ErrorCode::forbidden, "pages of another origin may not use this server");
  }
  return {};
}

Result<std::string> Access::check_token(const runtime::HttpRequest& request) const {
  std::string_view given = request.fields.get("authorization");
  constexpr std::string_view scheme = "bearer ";
  if (lower(given.substr(0, scheme.size())) == scheme) {
    given.remove_prefix(scheme.size());
    std::string_view name = tokens_.owner_of(given);
    if (!name.empty()) return std::string(name);
    if (security_ != nullptr) {
      auto state = security_->state();
      Bytes digest = broker::token_digest(given);
      auto owner = state->owners.find(as_text(digest));
      if (owner != state->owners.end()) return owner->second;
    }
    return error(ErrorCode::unauthorized, "the token is not known here");
  }
  return error(ErrorCode::unauthorized, "this server wants `Authorization: Bearer TOKEN`");
}

bool Access::may(const std::string& user, const runtime::HttpRequest& request, broker::AclOperation operation,
                 broker::AclResource resource, std::string_view name) const {
  if (is_administrator(user)) return true;
  if (security_ == nullptr) return false;
  auto peer = parse_host_port(request.peer);
  std::string host = peer ? peer->host : "";
  return security_->state()->acls.allow({user, host, operation, resource}, name);
}

// A wildcard listener is reached by any of the machine's addresses. A number in Host was typed by somebody,
// for rebinding takes a name.
bool Access::is_ours(const HostPort& asked) const {
  if (is_loopback(asked.host) || asked.host == listen_host_) return true;
  return is_any_address(listen_host_) && is_ip_address(asked.host);
}

bool Access::is_allowed(const HostPort& asked) const {
  return std::ranges::any_of(allowed_, [&](const HostPort& a) {
    return a.host == asked.host && (a.port.empty() || a.port == asked.port);
  });
}

}  // namespace pabal::doors
