#pragma once

#include "broker/security.h"
#include "doors/http/answers.h"
#include "doors/http/route.h"
#include "doors/http/tokens.h"

namespace pabal::doors {

// Users and the rules of access. No answer ever holds a password, a token or what is kept of one. Lives as
// long as the table it registers in.
class SecurityCalls {
 public:
  SecurityCalls(broker::Security& security, const Tokens& tokens) : security_(security), tokens_(tokens) {}
  void add_to(RouteTable& table);

 private:
  using Answer = runtime::Task<Result<runtime::HttpResponse>>;
  Answer list_users(Call call);
  Answer put_user(Call call);
  Answer delete_user(Call call);
  Answer list_acls(Call call);
  Answer add_acls(Call call);
  Answer delete_acls(Call call);

  broker::Security& security_;
  const Tokens& tokens_;  // the file's users, who are administrators
};

}  // namespace pabal::doors
