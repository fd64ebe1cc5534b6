// story: plays the acts, prints the report, and leaves the shop up. `story shop …` talks to the one that
// runs.
#include <csignal>
#include <fmt/format.h>
#include <fstream>
#include <mutex>
#include <thread>

#include "base/logging.h"
#include "shop/story/control.h"
#include "shop/story/options.h"
#include "shop/story/play.h"
#include "shop/story/shop_commands.h"
#include "shop/story/story_directory.h"

namespace {

using nlohmann::json;

std::string default_directory() { return shop::program_beside("story-data"); }

int complain(const pabal::Error& error) {
  fmt::print(stderr, "story: {}\n", error.message);
  return 1;
}

int shop_command(int argc, char** argv) {
  std::vector<std::string> words(argv + 2, argv + argc);
  std::string directory = default_directory();
  if (words.size() > 1 && words[0] == "--data") {
    directory = words[1];
    words.erase(words.begin(), words.begin() + 2);
  }
  if (words.empty() || words[0] == "--help" || words[0] == "-h") {
    fmt::print("{}", shop::shop_usage());
    return words.empty() ? 2 : 0;
  }
  auto answer = shop::send_command(directory, words);
  if (!answer) {
    fmt::print(stderr, "{}\n", answer.error().message);
    return 1;
  }
  fmt::print(answer->status == 0 ? stdout : stderr, "{}", answer->text);
  return answer->status;
}

// Ctrl-C and SIGTERM turn the switch; they reach no other thread.
class Signals {
 public:
  explicit Signals(shop::StopSwitch& stop) {
    sigset_t ends;
    sigemptyset(&ends);
    sigaddset(&ends, SIGINT);
    sigaddset(&ends, SIGTERM);
    sigaddset(&ends, SIGHUP);
    pthread_sigmask(SIG_BLOCK, &ends, nullptr);
    thread_ = std::jthread([ends, &stop](const std::stop_token& over) {
      timespec look{.tv_sec = 0, .tv_nsec = 100'000'000};
      while (!over.stop_requested()) {
        if (sigtimedwait(&ends, nullptr, &look) > 0) stop.stop();
      }
    });
  }

 private:
  std::jthread thread_;
};

class Story {
 public:
  Story(const shop::StoryOptions& options, std::string directory, shop::StopSwitch& stop)
      : options_(options),
        directory_(std::move(directory)),
        stop_(stop),
        theatre_(options, directory_, screen_, stop) {}

  // The program's exit status.
  int run() {
    auto control = shop::ControlServer::listen(directory_, [&](const auto& words) { return command(words); });
    if (!control) return give_up(control.error());
    if (auto ready = theatre_.prepare(); !ready) return give_up(ready.error());
    tell_about_the_file();
    for (const std::string& name : options_.acts) {
      screen_.line(fmt::format("act {}", name));
      auto played = theatre_.play(name);
      if (!played) return give_up(played.error());
      reconciled_ = reconciled_ && played->problems.empty();
      tell_about(*played);
      acts_.push_back(std::move(*played));
    }
    if (!print_report()) return 1;
    if (!options_.once) {
      if (int status = leave_open(); status != 0) return status;
    }
    return reconciled_ ? 0 : 1;
  }

 private:
  int give_up(const pabal::Error& error) {
    screen_.live({});
    if (stop_.stopped()) return 130;
    return complain(error);
  }

  void tell_about_the_file() {
    const shop::OrdersFile& file = theatre_.file();
    screen_.line(fmt::format("{}: {} lines, {} orders and cancellations; {} lines refused",
                             theatre_.orders_path(), file.lines_read, file.purchases.size(),
                             file.lines_refused()));
    constexpr size_t shown_max = 10;
    for (const auto& [reason, lines] : file.refused) {
      std::string numbers;
      for (size_t i = 0; i < std::min(lines.size(), shown_max); ++i) numbers += fmt::format(" {}", lines[i]);
      screen_.line(fmt::format("  {}, {} times: line{}{}", reason, lines.size(), numbers,
                               lines.size() > shown_max ? " …" : ""));
    }
  }

  void tell_about(const shop::PlayedAct& played) {
    const shop::ActReport& r = played.report;
    screen_.line(fmt::format(
        "  {} orders, {} failed, {:.0f} per second; p50 {:.1f} ms, p99 {:.1f} ms; counted twice: {}",
        r.orders.submitted, r.orders.failed, static_cast<double>(r.orders.per_second_tenths) / 10,
        static_cast<double>(r.response_ms.p50_tenths) / 10,
        static_cast<double>(r.response_ms.p99_tenths) / 10,
        played.problems.empty() ? "agrees" : "DOES NOT AGREE"));
    for (const std::string& problem : played.problems) screen_.line("  ! " + problem);
  }

  bool print_report() {
    std::vector<std::pair<std::string, shop::ActReport>> rows;
    json acts = json::object();
    for (const shop::PlayedAct& act : acts_) {
      rows.emplace_back(act.name, act.report);
      acts[act.name] = shop::to_json(act.report);
    }
    screen_.line("\n" + shop::to_table(rows));
    screen_.line(reconciled_
                     ? "Reconciled: each figure was counted again from the orders file and the databases."
                     : "NOT RECONCILED: see the lines marked with ! above.");
    if (options_.json.empty()) return true;
    json refused = json::array();
    for (const auto& [reason, lines] : theatre_.file().refused) {
      refused.push_back({{"reason", reason}, {"count", lines.size()}, {"lines", lines}});
    }
    std::ofstream file(options_.json, std::ios::binary);
    file << json{{"acts", acts}, {"reconciled", reconciled_}, {"refused_lines", refused}}.dump(2) << '\n';
    file.flush();
    if (file) return true;
    fmt::print(stderr, "story: {}: cannot be written\n", options_.json);
    return false;
  }

  int leave_open() {
    auto world = theatre_.open_shop();
    if (!world) return give_up(world.error());
    theatre_.serve_some(**world);
    open_shop(world->get());
    screen_.line(fmt::format(
        "\nThe shop is open. In another terminal, try:\n\n"
        "  {3} order                 PAID\n"
        "  {3} stop notification     the mail service is killed\n"
        "  {3} order                 still PAID; the e-mail waits\n"
        "  {3} start notification    it arrives, in {0}/shop/notification/Maildir/new\n"
        "  {1} trace ORDER_ID    the order's whole path\n"
        "  {3} --help                the rest\n\n"
        "  http://{2}/           the console\n\n"
        "Ctrl-C stops everything.",
        directory_, shop::program_beside("pabal"), theatre_.addresses().at("server"), shop_verb()));
    stop_.wait();
    open_shop(nullptr);
    return 0;
  }

  // How this story's shop is spoken to from another terminal.
  [[nodiscard]] std::string shop_verb() const {
    bool known = options_.data.empty() || options_.data == default_directory();
    return known ? "./dev shop" : "./dev shop --data " + directory_;
  }

  void open_shop(shop::World* world) {
    std::lock_guard lock(mutex_);
    shop_ = world;
  }

  // From `./dev shop`, on the control server's thread.
  shop::ControlServer::Answer command(const std::vector<std::string>& words) {
    std::lock_guard lock(mutex_);
    if (shop_ == nullptr)
      return {1, "The acts are still being played. The screen says when the shop is open.\n"};
    return shop::ShopCommands(*shop_).run(words);
  }

  const shop::StoryOptions& options_;
  std::string directory_;
  shop::StopSwitch& stop_;
  shop::Screen screen_;
  shop::Theatre theatre_;
  std::vector<shop::PlayedAct> acts_;
  bool reconciled_ = true;
  std::mutex mutex_;             // guards shop_: commands come on another thread
  shop::World* shop_ = nullptr;  // once it is open
};

}  // namespace

int main(int argc, char** argv) {
  if (argc > 1 && std::string_view(argv[1]) == "shop") return shop_command(argc, argv);
  auto options = shop::parse_options(argc, argv);
  if (!options) {
    fmt::print(options.error().status == 0 ? stdout : stderr, "{}", options.error().text);
    return options.error().status;
  }
  pabal::start_logging("warn");
  shop::StopSwitch stop;
  Signals signals(stop);
  std::string directory = options->data.empty() ? default_directory() : options->data;
  auto home = shop::StoryDirectory::claim(directory);
  if (!home) return complain(home.error());
  for (const std::string& address : {options->http, options->order}) {
    if (auto free = shop::check_address_is_free(address); !free) return complain(free.error());
  }
  return Story(*options, home->path(), stop).run();
}
