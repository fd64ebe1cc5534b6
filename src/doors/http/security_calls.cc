#include "doors/http/security_calls.h"

#include "doors/http/fields.h"
#include "doors/http/query.h"

namespace pabal::doors {
namespace {

using broker::Acl;
using broker::AclFilter;

constexpr size_t acls_per_call_max = 1'000;
constexpr size_t password_bytes_min = 8;

Json user_json(const std::string& name, const broker::Credentials& credentials) {
  Json mechanisms = Json::array();
  for (const scram::Keys& keys : credentials.keys) {
    mechanisms.push_back({{"mechanism", scram::name_of(keys.hash)}, {"iterations", keys.iterations}});
  }
  return {{"name", name},
          {"administrator", false},
          {"token", !credentials.token_digest.empty()},
          {"mechanisms", std::move(mechanisms)}};
}

Json acl_json(const Acl& acl) {
  return {{"principal", acl.principal},
          {"operation", broker::name_of(acl.operation)},
          {"resource_type", broker::name_of(acl.resource)},
          {"resource", acl.name},
          {"pattern", broker::name_of(acl.pattern)},
          {"host", acl.host},
          {"permission", broker::name_of(acl.permission)}};
}

Json acls_json(const char* name, const std::vector<Acl>& acls) {
  Json list = Json::array();
  for (const Acl& acl : acls) list.push_back(acl_json(acl));
  return {{name, std::move(list)}};
}

struct NewUser {
  std::string secret = {};
  bool is_token = false;
  int iterations = scram::iterations_min;
};

Result<NewUser> read_user(std::string_view body) {
  NewUser user;
  int secrets = 0;
  auto take = [&](const Field& field, size_t least, bool is_token) {
    auto text = field.text();
    if (!text) return;
    if (text->size() < least || text->size() > scram::password_bytes_max) {
      field.problem(
          fmt::format("{} bytes; right is {} to {}", text->size(), least, scram::password_bytes_max));
    }
    user.secret = std::move(*text);
    user.is_token = is_token;
    ++secrets;
  };
  auto read = read_object(body, false,
                          {{"password", [&](const Field& f) { take(f, password_bytes_min, false); }},
                           {"token", [&](const Field& f) { take(f, token_bytes_min, true); }},
                           {"iterations", [&](const Field& f) {
                              auto count = f.integer(scram::iterations_min, scram::iterations_max);
                              user.iterations = static_cast<int>(count.value_or(scram::iterations_min));
                            }}});
  if (!read) return std::unexpected(read.error());
  if (secrets == 1) return user;
  return error(ErrorCode::invalid,
               "right is one of \"password\" (a person made it) and \"token\" (a machine made it at random)");
}

// A word of a rule; `parse` knows the right ones.
template <class T>
void take_word(const Field& field, std::optional<T> (*parse)(std::string_view), T& to,
               std::string_view right) {
  auto text = field.text();
  if (!text) return;
  auto value = parse(*text);
  if (value) {
    to = *value;
  } else {
    std::ignore = field.wrong(right);
  }
}

constexpr std::string_view operations_right =
    "all, read, write, create, delete, alter, describe, cluster_action, describe_configs, alter_configs or "
    "idempotent_write";
constexpr std::string_view resources_right = "topic, group, cluster, transactional_id or user";

void read_acl(const Field& field, std::vector<Acl>& acls) {
  Acl acl{.name = ""};
  auto take = [](const Field& f, std::string& to) { to = f.text().value_or(""); };
  bool read = field.object(
      {{"principal", [&](const Field& f) { take(f, acl.principal); }},
       {"operation",
        [&](const Field& f) { take_word(f, broker::acl_operation, acl.operation, operations_right); }},
       {"resource_type",
        [&](const Field& f) { take_word(f, broker::acl_resource, acl.resource, resources_right); }},
       {"resource", [&](const Field& f) { take(f, acl.name); }},
       {"pattern",
        [&](const Field& f) { take_word(f, broker::acl_pattern, acl.pattern, "literal or prefixed"); }},
       {"host", [&](const Field& f) { take(f, acl.host); }},
       {"permission",
        [&](const Field& f) { take_word(f, broker::acl_permission, acl.permission, "allow or deny"); }}});
  if (!read) return;
  if (acl.resource == broker::AclResource::cluster && acl.name.empty()) acl.name = broker::cluster_resource;
  if (auto fine = broker::check_acl(acl); !fine) field.problem(fine.error().message);
  acls.push_back(std::move(acl));
}

Result<AclFilter> read_filter(Query& query) {
  AclFilter filter{.name = query.text("resource"), .principal = query.text("principal")};
  auto word = [&]<class T>(const char* name, std::optional<T> (*parse)(std::string_view), T& to,
                           std::string_view right) {
    auto text = query.text(name);
    if (!text) return;
    auto value = parse(*text);
    if (!value) return query.problem(name, fmt::format("read '{}'; right is {}", text->substr(0, 80), right));
    to = *value;
  };
  word("resource_type", broker::acl_resource, filter.resource, resources_right);
  word("pattern", broker::acl_pattern, filter.pattern, "literal or prefixed");
  word("operation", broker::acl_operation, filter.operation, operations_right);
  word("permission", broker::acl_permission, filter.permission, "allow or deny");
  if (auto fine = query.finish(); !fine) return std::unexpected(fine.error());
  return filter;
}

}  // namespace

void SecurityCalls::add_to(RouteTable& table) {
  constexpr std::string_view user =
      R"({"name": "shipping", "administrator": false, "token": true, "mechanisms": [{"mechanism": "SCRAM-SHA-256", "iterations": 4096}]})";
  constexpr std::string_view acls =
      R"({"acls": [{"principal": "User:shipping", "operation": "read", "resource_type": "topic", "resource": "order.", "pattern": "prefixed", "host": "*", "permission": "allow"}]})";
  constexpr std::string_view deleted = R"({"deleted": []})";
  std::vector<QueryDoc> filter = {{"principal", "User:NAME"},
                                  {"resource_type", "topic, group, cluster, transactional_id or user"},
                                  {"resource", "its name as the rule has it"},
                                  {"pattern", "literal or prefixed"},
                                  {"operation", "read, write, …"},
                                  {"permission", "allow or deny"}};
  table.add({"GET", "/v1/users", {"Security", "Who may log in", 200, "", R"({"users": []})"}, [this](Call c) {
               return list_users(std::move(c));
             }});
  table.add(
      {"PUT",
       "/v1/users/{user}",
       {"Security",
        "Make a user, or give it another password or token: 201 when made. A token is also the user's "
        "bearer token here",
        201, R"({"token": "at least 16 bytes that a machine made at random", "iterations": 4096})", user},
       [this](Call c) { return put_user(std::move(c)); }});
  table.add({"DELETE",
             "/v1/users/{user}",
             {"Security", "Delete a user; its rules of access stay", 204},
             [this](Call c) { return delete_user(std::move(c)); }});
  table.add({"GET",
             "/v1/acls",
             {"Security", "The rules of access that fit", 200, "", acls, filter},
             [this](Call c) { return list_acls(std::move(c)); }});
  table.add({"POST",
             "/v1/acls",
             {"Security", "Add rules of access: all of them or none", 200, acls, acls},
             [this](Call c) { return add_acls(std::move(c)); }});
  table.add(
      {"DELETE",
       "/v1/acls",
       {"Security", "Delete the rules of access that fit; at least one parameter", 200, "", deleted, filter},
       [this](Call c) { return delete_acls(std::move(c)); }});
}

SecurityCalls::Answer SecurityCalls::list_users(Call) {
  Json users = Json::array();
  for (const std::string& name : tokens_.names()) {
    users.push_back(
        {{"name", name}, {"administrator", true}, {"token", true}, {"mechanisms", Json::array()}});
  }
  auto state = security_.state();
  for (const auto& [name, credentials] : state->users) users.push_back(user_json(name, credentials));
  co_return json_answer(200, Json{{"users", std::move(users)}});
}

SecurityCalls::Answer SecurityCalls::put_user(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  const std::string& name = call.name("user");
  if (auto fine = broker::check_user_name(name); !fine) co_return std::unexpected(fine.error());
  if (tokens_.has_name(name)) {
    co_return error(ErrorCode::conflict, "{} is one of the file of tokens: change its token there", name);
  }
  auto user = read_user(call.request.body);
  if (!user) co_return std::unexpected(user.error());
  auto credentials =
      co_await security_.credentials_of(std::move(user->secret), user->is_token, user->iterations);
  auto made = co_await security_.put_user(name, credentials);
  if (!made) co_return std::unexpected(made.error());
  co_return json_answer(*made ? 201 : 200, user_json(name, credentials));
}

SecurityCalls::Answer SecurityCalls::delete_user(Call call) {
  auto removed = co_await security_.remove_user(call.name("user"));
  if (!removed) co_return std::unexpected(removed.error());
  co_return no_content();
}

SecurityCalls::Answer SecurityCalls::list_acls(Call call) {
  Query query(call.request.query());
  auto filter = read_filter(query);
  if (!filter) co_return std::unexpected(filter.error());
  co_return json_answer(200, acls_json("acls", security_.state()->acls.find(*filter)));
}

SecurityCalls::Answer SecurityCalls::add_acls(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  std::vector<Acl> acls;
  auto read = read_object(call.request.body, false,
                          {{"acls", [&](const Field& f) {
                              f.array(acls_per_call_max, [&](const Field& one) { read_acl(one, acls); });
                            }}});
  if (!read) co_return std::unexpected(read.error());
  auto done = co_await security_.add_acls(acls);
  if (!done) co_return std::unexpected(done.error());
  co_return json_answer(200, acls_json("acls", acls));
}

SecurityCalls::Answer SecurityCalls::delete_acls(Call call) {
  if (call.request.query().empty()) {
    co_return error(ErrorCode::invalid, "this would delete every rule; say which: ?principal=User:NAME");
  }
  Query query(call.request.query());
  auto filter = read_filter(query);
  if (!filter) co_return std::unexpected(filter.error());
  auto removed = co_await security_.remove_acls(std::move(*filter));
  if (!removed) co_return std::unexpected(removed.error());
  co_return json_answer(200, acls_json("deleted", *removed));
}

}  // namespace pabal::doors
