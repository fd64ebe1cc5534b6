#include "cli/client_verb.h"

#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <fmt/format.h>
#include <iostream>
#include <memory>
#include <unistd.h>

namespace pabal::cli {

int Client::fail(const Error& error) const {
  screen.problem(fmt::format("pabal: {}", error.message));
  return exit_no;
}

void Client::print_json(const Json& answer) const {
  screen.line(answer.dump(screen.terminal ? 2 : -1, ' ', false, Json::error_handler_t::replace));
}

void on_server(CLI::App* verb, Run& run, std::function<int(Client&)> work) {
  struct Options {
    Api::Options api;
    bool json = false;
  };
  auto options = std::make_shared<Options>();
  verb->add_option("--server", options->api.server, "the server's address")
      ->envname("PABAL_SERVER")
      ->capture_default_str()
      ->group("Server");
  verb->add_option("--token", options->api.token, "the access token, where the server asks for one")
      ->envname("PABAL_TOKEN")
      ->group("Server");
  verb->add_flag("--json", options->json, "print the server's answer, for programs");
  verb->callback([&run, options, work = std::move(work)] {
    run = [options, work] {
      auto api = Api::make(options->api);
      Screen screen = Screen::system();
      if (!api) {
        screen.problem(fmt::format("pabal: --server: {}", api.error().message));
        return exit_wrong_use;
      }
      Client client{std::move(*api), std::move(screen), options->json};
      return work(client);
    };
  });
}

bool confirmed(const Client& client, const std::string& question, bool yes) {
  if (yes) return true;
  if (isatty(STDIN_FILENO) != 1) {
    client.screen.problem(fmt::format("pabal: {} Say --yes to do it.", question));
    return false;
  }
  client.screen.err(fmt::format("{} [y/N] ", question));
  std::string answer;
  std::getline(std::cin, answer);
  return answer == "y" || answer == "Y" || answer == "yes";
}

void wait_for(Duration d) {
  asio::io_context context;
  asio::steady_timer(context, d).wait();
}

}  // namespace pabal::cli
