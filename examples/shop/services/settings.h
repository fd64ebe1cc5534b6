#pragma once

#include <chrono>
#include <map>
#include <optional>
#include <pabal/pabal.h>
#include <string>

#include "shop/money/money.h"

namespace shop {

// How one service of the shop is started; see `shop-service --help`.
struct Settings {
  std::string name;
  std::string data = ".";                        // its database lies in data/<name>/<name>.db
  std::string server = "http://127.0.0.1:8080";  // pabal
  std::string listen = "127.0.0.1:0";
  std::map<std::string, std::string> peers = {};  // "payment" -> "http://127.0.0.1:9002"
  std::chrono::milliseconds service_time{0};      // how long its work takes
  std::chrono::milliseconds network{0};           // each way of a call to another service
  int workers = 16;                               // at work at a time, on requests and on events
  bool naive_calls = false;                       // order: no second try, and no end to the waiting
  std::string stock = {};                         // inventory: CSV of sku,quantity
  std::optional<Money> balance = {};              // member: of each; without it, as much as he wants
  Money card_limit = Money::pounds(1'000'000);    // payment: more than this in one payment is declined
  bool forgiving = false;     // notification: mails to the shop's desk what it cannot address
  std::string smtp_url = {};  // notification: where mails go instead of the Maildir

  [[nodiscard]] std::string directory() const { return data + "/" + name; }
};

// The settings as the SDK takes them.
[[nodiscard]] pabal::sdk::Service::Options service_options(const Settings& settings);

// Says on standard error why the service cannot start; the program's exit status.
int fail_to_start(const Settings& settings, const pabal::Error& error);

// How the shop's services call one another: quick to try again, so that a neighbour may die and come back
// while a customer waits, and done with it well within his two seconds.
[[nodiscard]] pabal::sdk::Policy neighbour(std::chrono::milliseconds timeout);

// One try, as long as it takes: what the chains do.
[[nodiscard]] pabal::sdk::Policy naive(std::chrono::milliseconds timeout);

}  // namespace shop
