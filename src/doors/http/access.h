#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "broker/security.h"
#include "doors/http/route.h"
#include "doors/http/tokens.h"
#include "runtime/http.h"

namespace pabal::doors {

// "host:port", "[::1]:port" or either without a port, taken apart; the host in lower case without brackets.
struct HostPort {
  std::string host;
  std::string port;  // empty when not given
};
[[nodiscard]] std::optional<HostPort> parse_host_port(std::string_view text);
// 127.0.0.0/8, ::1 and the name localhost.
[[nodiscard]] bool is_loopback(std::string_view host);
[[nodiscard]] bool is_ip_address(std::string_view host);
// 0.0.0.0 and ::, which stand for every address of the machine.
[[nodiscard]] bool is_any_address(std::string_view host);

// Who may use the door. A browser is the danger on a loopback listener: a page of another origin, or a
// foreign name that was made to point at this machine (DNS rebinding). So the Host must name this listener,
// and a request that comes from a page must come from a page of ours. Constant: safe from any shard.
class Access {
 public:
  // `listen`: the listener's address. `allowed_hosts`: further names, with or without a port, that reach it.
  // `security`: further users, with their tokens and rules of access.
  Access(std::string listen, std::vector<std::string> allowed_hosts, Tokens tokens,
         const broker::Security* security = nullptr);

  // The name that the caller's token gives it (empty without tokens), or forbidden, unauthorized, invalid.
  [[nodiscard]] Result<std::string> admit(const runtime::HttpRequest& request, Admission admission) const;

  // Whether a user that was admitted may do this: whoever is in the file of tokens may do everything.
  [[nodiscard]] bool may(const std::string& user, const runtime::HttpRequest& request,
                         broker::AclOperation operation, broker::AclResource resource,
                         std::string_view name) const;
  [[nodiscard]] bool is_administrator(const std::string& user) const {
    return tokens_.empty() || tokens_.has_name(user);
  }
  [[nodiscard]] const Tokens& tokens() const { return tokens_; }

 private:
  [[nodiscard]] Result<void> check_host(const runtime::HttpRequest& request) const;
  [[nodiscard]] Result<void> check_origin(const runtime::HttpRequest& request) const;
  [[nodiscard]] Result<std::string> check_token(const runtime::HttpRequest& request) const;
  [[nodiscard]] bool is_ours(const HostPort& asked) const;
  [[nodiscard]] bool is_allowed(const HostPort& asked) const;

  std::string listen_host_;
  std::vector<HostPort> allowed_;
  Tokens tokens_;
  const broker::Security* security_;
};

}  // namespace pabal::doors
