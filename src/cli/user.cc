#include <cstdio>
#include <fmt/format.h>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>

#include "cli/client_verb.h"
#include "cli/table.h"
#include "protocol/base64.h"
#include "protocol/scram.h"

namespace pabal::cli {
namespace {

constexpr size_t token_random_bytes = 32;
constexpr size_t password_file_bytes_max = 2'048;

struct UserOptions {
  std::string name;
  std::string password_file;  // "-": standard input
  int iterations = scram::iterations_min;
  bool yes = false;

  [[nodiscard]] std::string path() const { return "/v1/users/" + segment(name); }
};

std::string mechanisms_text(const Json& user) {
  std::string text;
  for (const auto& one : member_of(user, "mechanisms")) {
    text += fmt::format("{}{} ({})", text.empty() ? "" : ", ", text_at(one, "mechanism"),
                        count_at(one, "iterations"));
  }
  return text.empty() ? "-" : text;
}

bool is_true(const Json& value) { return value.is_boolean() && value.get<bool>(); }

int list(Client& client) {
  auto answer = client.api.get("/v1/users");
  if (!answer) return client.fail(answer.error());
  if (client.json) return client.print_json(*answer), exit_done;
  Table table({{"USER"}, {"RIGHTS"}, {"TOKEN"}, {"PASSWORD"}});
  for (const auto& user : member_of(*answer, "users")) {
    bool administrator = is_true(member_of(user, "administrator"));
    table.add({printable(text_at(user, "name")), administrator ? "everything (token file)" : "by rules",
               is_true(member_of(user, "token")) ? "yes" : "no", mechanisms_text(user)});
  }
  if (table.empty()) {
    client.screen.line("There are no users yet; this makes one: pabal user add shipping");
  } else {
    table.print(client.screen);
  }
  return exit_done;
}

// The first line of the file.
Result<std::string> read_password(const std::string& path) {
  std::string text;
  if (path == "-") {
    for (int c = std::getchar(); c != EOF && text.size() < password_file_bytes_max; c = std::getchar()) {
      text += static_cast<char>(c);
    }
  } else {
    std::ifstream file(path, std::ios::binary);
    if (!file) return error(ErrorCode::io_failed, "--password-file: cannot read {}", path);
    text.assign(std::istreambuf_iterator<char>(file), {});
  }
  text.resize(std::min(text.size(), text.find('\n')));
  if (text.ends_with('\r')) text.pop_back();
  if (!text.empty()) return text;
  return error(ErrorCode::invalid, "--password-file: {} begins with an empty line; right is the password",
               path);
}

// The token is made here and shown once: the server keeps nothing that could give it back.
int put(Client& client, const UserOptions& options) {
  Json body = {{"iterations", options.iterations}};
  std::string token;
  if (options.password_file.empty()) {
    Bytes random = scram::random_bytes(token_random_bytes);
    token = protocol::base64_encode(as_text(random));
    body["token"] = token;
  } else {
    auto password = read_password(options.password_file);
    if (!password) return client.fail(password.error());
    body["password"] = std::move(*password);
  }
  auto answer = client.api.call("PUT", options.path(), body);
  if (!answer) return client.fail(answer.error());
  if (client.json) {
    if (!token.empty()) (*answer)["secret"] = token;
    return client.print_json(*answer), exit_done;
  }
  client.screen.line(
      fmt::format("user {} is {}", printable(options.name), client.api.status() == 201 ? "made" : "changed"));
  if (!token.empty()) {
    client.screen.line(fmt::format("its token and password, shown only now: {}", token));
  }
  client.screen.line(fmt::format("it may do nothing until a rule says so: pabal acl allow {} read topic NAME",
                                 printable(options.name)));
  return exit_done;
}

int remove(Client& client, const UserOptions& options) {
  if (!confirmed(client, fmt::format("Delete user {}?", printable(options.name)), options.yes))
    return exit_no;
  auto answer = client.api.call("DELETE", options.path());
  if (!answer) return client.fail(answer.error());
  if (!client.json) client.screen.line(fmt::format("user {} is deleted", printable(options.name)));
  return exit_done;
}

}  // namespace

void add_user(CLI::App& app, Run& run) {
  CLI::App* user = app.add_subcommand("user", "Look at users, make and delete them");
  user->require_subcommand(1);
  user->footer("Example:\n  pabal user add shipping");
  auto options = std::make_shared<UserOptions>();
  auto named = [&](const char* name, const char* text, const char* example) {
    CLI::App* verb = user->add_subcommand(name, text);
    verb->add_option("USER", options->name, "the user's name")->required();
    verb->footer(fmt::format("Example:\n  {}", example));
    return verb;
  };
  CLI::App* all = user->add_subcommand("list", "Who may log in");
  all->footer("Example:\n  pabal user list");
  on_server(all, run, list);
  CLI::App* add = named("add", "Make a user with a new token, or give it another; the token is shown once",
                        "pabal user add shipping");
  add->add_option("--password-file", options->password_file,
                  "take the password from the first line of a file instead (- is standard input)")
      ->type_name("FILE");
  add->add_option("--iterations", options->iterations, "how often SCRAM hashes it (default 4096)")
      ->check(CLI::Range(scram::iterations_min, scram::iterations_max));
  on_server(add, run, [options](Client& client) { return put(client, *options); });
  CLI::App* gone = named("delete", "Delete a user", "pabal user delete shipping --yes");
  gone->add_flag("--yes", options->yes, "do not ask");
  on_server(gone, run, [options](Client& client) { return remove(client, *options); });
}

}  // namespace pabal::cli
