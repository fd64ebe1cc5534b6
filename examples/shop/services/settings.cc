#include "shop/services/settings.h"

#include <fmt/format.h>

namespace shop {

using pabal::sdk::Policy;
using std::chrono::milliseconds;

pabal::sdk::Service::Options service_options(const Settings& settings) {
  pabal::sdk::Service::Options options{.name = settings.name};
  options.listen = settings.listen;
  options.server = settings.server;
  options.database = settings.directory() + "/" + settings.name + ".db";
  options.http_workers = settings.workers;
  options.publish_timeout = milliseconds(1'000);
  options.stop_timeout = std::chrono::seconds(2);
  options.network_delay = settings.network;
  return options;
}

int fail_to_start(const Settings& settings, const pabal::Error& error) {
  fmt::print(stderr, "{}: {}\n", settings.name, error.message);
  return 1;
}

Policy neighbour(milliseconds timeout) {
  Policy policy{.timeout = timeout, .try_timeout = timeout};
  policy.retry = {.tries_max = 20, .backoff_first = milliseconds(20), .backoff_max = milliseconds(60)};
  policy.retry.budget_ratio = 1;
  policy.retry.budget_reserve = 1'000;
  policy.breaker.open_for = milliseconds(50);
  return policy;
}

Policy naive(milliseconds timeout) {
  Policy policy{.timeout = timeout, .try_timeout = timeout};
  policy.retry.tries_max = 1;
  policy.breaker.failure_rate = 1.1;  // never opens
  return policy;
}

}  // namespace shop
