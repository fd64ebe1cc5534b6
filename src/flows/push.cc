#include "flows/push.h"

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <map>

#include "base/logging.h"
#include "flows/subscription.h"
#include "flows/webhook_signature.h"

namespace pabal::flows {
namespace {

using namespace std::chrono_literals;

constexpr size_t answer_bytes_max = 1_MiB;
constexpr int concurrency_max = 1'000;
constexpr Duration timeout_max = 10min;
constexpr Duration stop_look = 20ms;

}  // namespace

Result<void> check_push(const broker::PushSettings& settings) {
  auto url = runtime::Url::parse(settings.url);
  if (!url) return std::unexpected(url.error());
  if (settings.concurrency < 1 || settings.concurrency > concurrency_max) {
    return error(ErrorCode::invalid, "push concurrency {} is not between 1 and {}", settings.concurrency,
                 concurrency_max);
  }
  if (settings.timeout <= Duration::zero() || settings.timeout > timeout_max) {
    return error(ErrorCode::invalid, "a push timeout is above 0 and at most 10m");
  }
  if (settings.secret.empty()) return {};
  auto key = read_webhook_secret(settings.secret);
  if (!key) return std::unexpected(key.error());
  return {};
}

// Kept alive by what it started.
struct Push::Impl : std::enable_shared_from_this<Impl> {
  // Touched on its shard only.
  struct PerShard {
    std::shared_ptr<runtime::HttpClient> client;
    std::map<std::string, std::shared_ptr<Subscription>> subscriptions;
  };

  Impl(runtime::Shards& all, broker::Broker& its_broker, Observatory& its_observatory, PushOptions opts)
      : shards(all), broker(its_broker), observatory(its_observatory), options(std::move(opts)) {
    per_shard.resize(shards.count());
  }

  runtime::Shards& shards;
  broker::Broker& broker;
  Observatory& observatory;
  const PushOptions options;
  std::vector<PerShard> per_shard;
  std::atomic<bool> stopping = false;

  runtime::Shard& shard_of(const std::string& queue) {
    return shards.owner_of(std::hash<std::string>{}(queue));
  }

  // Brings the subscription of a queue to what the broker says now.
  runtime::Task<> follow(std::string queue) {
    auto self = shared_from_this();
    auto info = co_await broker.queue(queue);
    if (stopping) co_return;
    PerShard& here = per_shard[shard_of(queue).index()];
    auto known = here.subscriptions.find(queue);
    bool pushes = info && info->settings.push.has_value();
    if (pushes) {
      if (known == here.subscriptions.end()) known = here.subscriptions.emplace(queue, make(queue)).first;
      known->second->set(*info->settings.push);
    } else if (known != here.subscriptions.end() && (info || info.error().code == ErrorCode::not_found)) {
      known->second->stop();
      here.subscriptions.erase(known);
    }
  }

  void follow_async(std::string queue) {
    runtime::Shard& shard = shard_of(queue);
    auto work = [self = shared_from_this(), queue = std::move(queue)] { return self->follow(queue); };
    asio::co_spawn(shard.executor(), std::move(work), asio::detached);
  }

  std::shared_ptr<Subscription> make(const std::string& queue) {
    runtime::Shard& shard = shard_of(queue);
    PerShard& here = per_shard[shard.index()];
    if (!here.client) {
      here.client = options.make_client ? options.make_client(shard.executor())
                                        : runtime::HttpClient::make(shard.executor(),
                                                                    {.response_bytes_max = answer_bytes_max});
    }
    Subscription::Parts parts{.shard = shard,
                              .broker = broker,
                              .observatory = observatory,
                              .options = options,
                              .client = here.client};
    return std::make_shared<Subscription>(std::move(parts), queue);
  }

  runtime::Task<> stop_shard(size_t index, Deadline deadline) {
    auto self = shared_from_this();
    PerShard& here = per_shard[index];
    for (auto& [queue, subscription] : here.subscriptions) subscription->stop();
    runtime::Timers& timers = shards.at(index).timers();
    while (in_flight(here) > 0 && !deadline.passed(timers.clock())) {
      co_await runtime::sleep_for(timers, stop_look);
    }
    for (auto& [queue, subscription] : here.subscriptions) subscription->abandon();
    here.subscriptions.clear();
  }

  static int in_flight(const PerShard& here) {
    int sum = 0;
    for (const auto& [queue, subscription] : here.subscriptions) sum += subscription->in_flight();
    return sum;
  }
};

Push::Push(runtime::Shards& shards, broker::Broker& broker, Observatory& observatory, PushOptions options)
    : impl_(std::make_shared<Impl>(shards, broker, observatory, std::move(options))) {}

Push::~Push() { impl_->observatory.on_queue_changed({}); }

runtime::Task<> Push::start() {
  auto impl = impl_;
  impl->observatory.on_queue_changed([weak = std::weak_ptr(impl)](std::string_view queue) {
    if (auto self = weak.lock()) self->follow_async(std::string(queue));
  });
  auto queues = co_await impl->broker.queues();
  if (!queues) {
    spdlog::error("push: the queues cannot be read: {}", queues.error().message);
    co_return;
  }
  for (const auto& queue : *queues) {
    if (queue.settings.push) impl->follow_async(queue.name);
  }
}

runtime::Task<> Push::stop(Deadline deadline) {
  auto impl = impl_;
  impl->stopping = true;
  for (size_t i = 0; i < impl->shards.count(); ++i) {
    co_await runtime::on<void>(impl->shards.at(i).executor(),
                               [impl, i, deadline] { return impl->stop_shard(i, deadline); });
  }
}

}  // namespace pabal::flows
