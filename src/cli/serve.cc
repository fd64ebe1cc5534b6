#include <boost/asio/io_context.hpp>
#include <boost/asio/signal_set.hpp>
#include <boost/asio/steady_timer.hpp>
#include <csignal>
#include <cstdlib>
#include <fmt/format.h>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <sys/resource.h>
#include <thread>
#include <vector>

#include "base/logging.h"
#include "cli/verb.h"
#include "runtime/asio.h"
#include "server/config_file.h"
#include "server/server.h"
#include "server/version.h"

namespace pabal::cli {
namespace {

struct Given {
  std::string config;
  std::map<std::string_view, std::vector<std::string>> flags;  // by Setting::key
};

Result<server::Settings> read_settings(const Given& given, const CLI::App& verb) {
  server::Settings settings;
  if (!given.config.empty()) {
    if (auto done = server::read_config_file(settings, given.config); !done)
      return std::unexpected(done.error());
  }
  auto done =
      server::read_environment(settings, [](const char* name) -> const char* { return std::getenv(name); });
  if (!done) return std::unexpected(done.error());
  for (const server::Setting& setting : server::all_settings()) {
    if (verb.count(std::string(setting.flag)) == 0) continue;
    done = server::set(settings, setting, given.flags.at(setting.key), setting.flag);
    if (!done) return std::unexpected(done.error());
  }
  done = server::check_settings(settings);
  if (!done) return std::unexpected(done.error());
  return settings;
}

int say(const Error& error, int status) {
  fmt::print(stderr, "pabal serve: {}\n", error.message);
  return status;
}

// Has the server read its certificates again: all of them on SIGHUP, and every while those whose files have
// changed. Who mounts them (Kubernetes) sends no signal and turns a link, which a watch of the files would
// miss. On a thread of its own: a mount that hangs keeps nobody from stopping the server.
class CertificateKeeper {
 public:
  // From here on SIGHUP does not end the process.
  CertificateKeeper() = default;
  CertificateKeeper(const CertificateKeeper&) = delete;
  CertificateKeeper& operator=(const CertificateKeeper&) = delete;
  ~CertificateKeeper() { io_.stop(); }

  void begin(server::Server& server) {
    await_signal(server);
    await_time(server);
    thread_ = std::jthread([this] { io_.run(); });
  }

 private:
  static constexpr Duration look_every = std::chrono::seconds(5);

  void await_signal(server::Server& server) {
    signals_.async_wait([this, &server](const boost::system::error_code& failed, int) {
      if (failed) return;
      server.read_certificates_again(server::Server::ReadAgain::all);
      await_signal(server);
    });
  }

  void await_time(server::Server& server) {
    timer_.expires_after(look_every);
    timer_.async_wait([this, &server](const boost::system::error_code& failed) {
      if (failed) return;
      server.read_certificates_again(server::Server::ReadAgain::changed);
      await_time(server);
    });
  }

  asio::io_context io_;
  asio::signal_set signals_{io_, SIGHUP};
  asio::steady_timer timer_{io_};
  std::jthread thread_;
};

// The first signal stops the server in order; the second, or a disk that lets it wait for too long, ends the
// process where it stands, which is safe too.
void wait_for_signal_and_stop(asio::io_context& io, asio::signal_set& signals, server::Server& server,
                              std::optional<CertificateKeeper>& keeper) {
  std::thread stopper;
  asio::steady_timer patience(io);
  signals.async_wait([&](const boost::system::error_code& failed, int) {
    if (failed) return;
    signals.async_wait([](const boost::system::error_code& again, int) {
      if (!again) std::_Exit(exit_no);
    });
    patience.expires_after(server::stop_time_max);
    patience.async_wait([](const boost::system::error_code& in_time) {
      if (in_time) return;
      spdlog::error("server: it did not stop in time; what was acknowledged is safe");
      std::_Exit(exit_no);
    });
    stopper = std::thread([&] {
      server.stop();
      keeper.reset();
      io.stop();
    });
  });
  io.run();
  stopper.join();
}

// Every connection and every open segment is a file; the soft limit of a login shell is far below what may be
// had.
void raise_file_limit() {
  rlimit limit = {};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
  limit.rlim_cur = limit.rlim_max;
  if (::setrlimit(RLIMIT_NOFILE, &limit) != 0) spdlog::warn("serve: cannot raise the limit of open files");
}

int serve(const server::Settings& settings) {
  start_logging(settings.log_level);
  raise_file_limit();
  std::signal(SIGPIPE, SIG_IGN);
  asio::io_context io;
  std::optional<CertificateKeeper> keeper;  // made first: who reads the ports file may send the signal
  if (!settings.tls_certificate.empty() || !settings.kafka_tls_certificate.empty()) keeper.emplace();
  auto server = server::Server::start(settings);
  if (!server) return say(server.error(), exit_no);
  asio::signal_set signals(io, SIGTERM, SIGINT);
  std::string address = (*server)->http_address();
  fmt::print("pabal {} is ready: console and API at {}://{}/, data in {}\n", server::version,
             (*server)->tls() ? "https" : "http", address, settings.data_dir);
  std::fflush(stdout);
  if (std::string trouble = (*server)->trouble(); !trouble.empty()) spdlog::error("server: {}", trouble);
  if (keeper) keeper->begin(**server);
  wait_for_signal_and_stop(io, signals, **server, keeper);
  return exit_done;
}

}  // namespace

void add_serve(CLI::App& app, Run& run) {
  CLI::App* verb = app.add_subcommand("serve", "Run the server");
  auto given = std::make_shared<Given>();
  verb->add_option("--config", given->config, "YAML file with the settings below")->type_name("FILE");
  for (const server::Setting& setting : server::all_settings()) {
    auto* option =
        verb->add_option(std::string(setting.flag), given->flags[setting.key], std::string(setting.help));
    option->type_name(std::string(setting.value));
    if (setting.is_list) {
      option->allow_extra_args(false);
    } else {
      option->expected(1);
    }
  }
  verb->footer(
      "Each setting can also come from the file (--config) or the environment (PABAL_DATA, PABAL_HTTP, …);\n"
      "a flag counts most, then the environment, then the file.\n\n"
      "Certificates, keys and --kafka-client-ca are read again on SIGHUP, and within seconds when they "
      "change:\n"
      "new connections get the new ones. What does not fit together is refused in the log, and the old "
      "stays.\n\n"
      "Examples:\n"
      "  pabal serve\n"
      "  pabal serve --data /var/lib/pabal --http 0.0.0.0:8080 --token-file tokens --tls-cert c.pem "
      "--tls-key k.pem\n"
      "  pabal serve --token-file tokens --kafka 0.0.0.0:9092 --kafka-tls-cert c.pem --kafka-tls-key k.pem");
  verb->callback([&run, given, verb] {
    run = [given, verb] {
      auto settings = read_settings(*given, *verb);
      if (!settings) return say(settings.error(), exit_wrong_use);
      return serve(*settings);
    };
  });
}

}  // namespace pabal::cli
