#include "flows/observatory.h"

#include <algorithm>
#include <atomic>
#include <boost/asio/post.hpp>

#include "flows/seen.h"

namespace pabal::flows {
namespace {

constexpr size_t hand_over_bytes = 64_KiB;
constexpr size_t endpoint_names_max = 10'000;
constexpr size_t first_offsets_max = 100'000;

std::atomic<uint64_t> last_core_number = 0;

std::string_view text_of(const log::HeaderView* header) {
  return header && header->value ? as_text(*header->value) : std::string_view{};
}

bool is_internal(std::string_view name) { return name.starts_with("__pabal"); }

SeenKind kind_of(broker::MessageEvent event) {
  switch (event) {
    case broker::MessageEvent::delivered:
      return SeenKind::delivered;
    case broker::MessageEvent::acked:
      return SeenKind::acked;
    case broker::MessageEvent::nacked:
      return SeenKind::nacked;
    case broker::MessageEvent::expired:
      return SeenKind::expired;
    case broker::MessageEvent::dead:
      return SeenKind::dead;
    case broker::MessageEvent::redriven:
      return SeenKind::redriven;
  }
  return SeenKind::delivered;
}

std::string_view words_of(broker::Change change) {
  switch (change) {
    case broker::Change::topic_made:
      return "topic {} was made";
    case broker::Change::topic_changed:
      return "topic {} was changed";
    case broker::Change::topic_deleted:
      return "topic {} was deleted";
    case broker::Change::queue_made:
      return "queue {} was made";
    case broker::Change::queue_changed:
      return "queue {} was changed";
    case broker::Change::queue_deleted:
      return "queue {} was deleted";
    case broker::Change::queue_paused:
      return "{} was paused";
    case broker::Change::queue_resumed:
      return "{} was resumed";
    case broker::Change::queue_purged:
      return "{} was purged";
    case broker::Change::redrive_started:
      return "a redrive of {} began";
    case broker::Change::redrive_ended:
      return "a redrive of {} ended";
  }
  return "{} changed";
}

bool concerns_topic(broker::Change change) {
  return change == broker::Change::topic_made || change == broker::Change::topic_changed ||
         change == broker::Change::topic_deleted;
}

}  // namespace

// Everything, kept alive by what is on its way between shards.
struct Observatory::Core : std::enable_shared_from_this<Core> {
  // Touched by its shard's thread only, but for `on_the_way`.
  struct PerShard {
    explicit PerShard(runtime::Shard& its) : shard(its) {}
    runtime::Shard& shard;
    SeenBuffer gathered;
    bool timer_set = false;
    std::atomic<size_t> bytes_on_the_way = 0;
  };

  Core(runtime::Shards& all, ObservatoryOptions opts)
      : shards(all),
        options(std::move(opts)),
        started(all.clock().wall_now()),
        started_instant(all.clock().now()),
        memory{.graph = FlowGraph(options.flow),
               .trace = TraceMemory(options.trace, started),
               .clients = {},
               .happenings = {},
               .resting = {},
               .endpoint_names = {},
               .last_dead = {},
               .first_offsets = {}} {
    for (size_t i = 0; i < all.count(); ++i) per_shard.push_back(std::make_unique<PerShard>(all.at(i)));
  }

  runtime::Shards& shards;
  const ObservatoryOptions options;
  const WallTime started;
  const Instant started_instant;
  const uint64_t number = ++last_core_number;
  std::vector<std::unique_ptr<PerShard>> per_shard;
  Memory memory;  // the collector's
  // Set once while shards may already call it.
  using QueueChanged = std::function<void(std::string_view)>;
  std::atomic<std::shared_ptr<const QueueChanged>> queue_changed = nullptr;
  std::atomic<int64_t> dropped = 0;
  std::atomic<int64_t> dropped_at_ms = 0;
  Instant last_forgotten = {};

  PerShard* here() {
    thread_local std::pair<uint64_t, PerShard*> known = {0, nullptr};
    if (known.first == number) return known.second;
    for (auto& shard : per_shard) {
      if (!shard->shard.here()) continue;
      known = {number, shard.get()};
      return known.second;
    }
    return nullptr;
  }

  void see(Seen& seen) {
    PerShard* shard = here();
    if (seen.at == WallTime{}) seen.at = shards.clock().wall_now();
    seen.instant = shards.clock().now();
    if (!shard || shard->gathered.bytes() + shard->bytes_on_the_way.load(std::memory_order_relaxed) >
                      options.buffer_bytes_max) {
      drop(seen.at);
      return;
    }
    shard->gathered.add(seen);
    if (shard->gathered.bytes() >= hand_over_bytes) {
      hand_over(*shard);
    } else if (!shard->timer_set) {
      shard->timer_set = true;
      shard->shard.timers().at(seen.instant + options.gather, [core = shared_from_this(), shard] {
        shard->timer_set = false;
        core->hand_over(*shard);
      });
    }
  }

  void drop(WallTime at, int64_t count = 1) {
    dropped.fetch_add(count, std::memory_order_relaxed);
    dropped_at_ms.store(at.time_since_epoch().count(), std::memory_order_relaxed);
  }

  void hand_over(PerShard& from) {
    if (from.gathered.empty()) return;
    size_t bytes = from.gathered.bytes();
    from.bytes_on_the_way.fetch_add(bytes, std::memory_order_relaxed);
    auto take = [core = shared_from_this(), &from, bytes, buffer = std::exchange(from.gathered, {})] {
      core->collect(buffer);
      from.bytes_on_the_way.fetch_sub(bytes, std::memory_order_relaxed);
    };
    asio::post(shards.at(0).executor(), std::move(take));
  }

  void collect(const SeenBuffer& buffer) {
    buffer.for_each([this](const Seen& seen) { collect_one(seen); });
    if (int64_t ms = dropped_at_ms.exchange(0, std::memory_order_relaxed); ms != 0) {
      memory.trace.incomplete_until(WallTime(std::chrono::milliseconds(ms)));
    }
    Instant now = shards.clock().now();
    if (now - last_forgotten < std::chrono::minutes(1)) return;
    last_forgotten = now;
    memory.graph.forget(now);
    memory.clients.forget(now, options.flow.remembered);
    memory.trace.forget(shards.clock().wall_now());
  }

  void collect_one(const Seen& as_seen) {
    Seen seen = as_seen;
    if (!seen.queue.empty() && !memory.endpoint_names.empty()) {
      auto name = memory.endpoint_names.find({std::string(seen.queue), std::string(seen.service)});
      if (name != memory.endpoint_names.end()) seen.service = name->second;
    }
    memory.graph.see(seen);
    if (seen.kind == SeenKind::produced || seen.kind == SeenKind::fetched) return memory.clients.see(seen);
    memory.happenings.see(seen);
    if (seen.kind == SeenKind::changed) return collect_change(seen);
    if (seen.kind == SeenKind::joined || seen.kind == SeenKind::left) return;
    if (seen.batch_records > 0) return;
    if (seen.kind == SeenKind::dead) {
      memory.last_dead.insert_or_assign(std::string(seen.queue),
                                        DeadLetter{.at = seen.at,
                                                   .reason = std::string(seen.reason),
                                                   .deliveries = seen.delivery,
                                                   .topic = std::string(seen.topic),
                                                   .partition = seen.partition,
                                                   .offset = seen.offset});
    }
    if (seen.kind == SeenKind::published && memory.first_offsets.size() < first_offsets_max) {
      auto [log, first] =
          memory.first_offsets.try_emplace({std::string(seen.topic), seen.partition}, seen.offset);
      if (!first) log->second = std::min(log->second, seen.offset);
    }
    memory.trace.add(seen);
  }

  void collect_change(const Seen& seen) {
    auto change = static_cast<broker::Change>(seen.delivery);
    if (change == broker::Change::topic_deleted) {
      memory.graph.remove({NodeKind::topic, std::string(seen.topic)});
      memory.clients.forget_topic(seen.topic);
      std::erase_if(memory.first_offsets, [&](const auto& log) { return log.first.first == seen.topic; });
    }
    if (change == broker::Change::queue_deleted) {
      memory.graph.remove({NodeKind::queue, std::string(seen.queue)});
      memory.last_dead.erase(std::string(seen.queue));
    }
  }
};

Observatory::Observatory(runtime::Shards& shards, ObservatoryOptions options)
    : core_(std::make_shared<Core>(shards, std::move(options))) {}

Observatory::~Observatory() = default;

void Observatory::published(std::string_view service, const broker::RecordSeen& seen, Duration durable_in) {
  if (is_internal(seen.topic)) return;
  Seen entry{.kind = SeenKind::published,
             .service = service,
             .topic = seen.topic,
             .id = text_of(log::find_header(seen.record, "ce_id")),
             .correlation_id = text_of(log::find_header(seen.record, "correlationid")),
             .causation_id = text_of(log::find_header(seen.record, "causationid")),
             .type = text_of(log::find_header(seen.record, "ce_type")),
             .partition = seen.at.partition.value(),
             .offset = seen.at.offset.value(),
             .duration = durable_in};
  if (seen.record.key) entry.key = as_text(*seen.record.key);
  for (const auto& name : core_->options.search_headers) {
    auto value = text_of(log::find_header(seen.record, name));
    if (!value.empty()) entry.search.push_back(value);
  }
  core_->see(entry);
}

void Observatory::published_batch(std::string_view service, const broker::BatchSeen& seen,
                                  Duration durable_in) {
  if (is_internal(seen.topic)) return;
  Seen entry{.kind = SeenKind::published,
             .service = service,
             .topic = seen.topic,
             .partition = seen.partition.value(),
             .duration = durable_in,
             .batch_records = static_cast<uint32_t>(seen.records)};
  core_->see(entry);
  if (seen.has_ids) core_->drop(entry.at, seen.records);
}

void Observatory::message(const broker::MessageSeen& seen) {
  Seen entry{.kind = kind_of(seen.event),
             .service = seen.service,
             .topic = seen.topic,
             .queue = seen.queue,
             .id = seen.id,
             .key = seen.key.value_or(std::string_view{}),
             .correlation_id = seen.correlation_id,
             .causation_id = seen.causation_id,
             .type = seen.type,
             .reason = seen.reason,
             .partition = seen.at.partition.value(),
             .offset = seen.at.offset.value(),
             .delivery = seen.delivery,
             .duration = seen.age,
             .due = seen.due};
  core_->see(entry);
}

void Observatory::consumer_joined(std::string_view queue, std::string_view service) {
  Seen entry{.kind = SeenKind::joined, .service = service, .queue = queue};
  core_->see(entry);
}

void Observatory::consumer_left(std::string_view queue, std::string_view service, std::string_view why) {
  Seen entry{.kind = SeenKind::left, .service = service, .queue = queue, .reason = why};
  core_->see(entry);
}

void Observatory::changed(broker::Change change, std::string_view name) {
  if (is_internal(name)) return;
  bool topic = concerns_topic(change);
  std::string text = fmt::format(fmt::runtime(words_of(change)), name);
  Seen entry{.kind = SeenKind::changed,
             .topic = topic ? name : std::string_view{},
             .queue = topic ? std::string_view{} : name,
             .reason = text,
             .delivery = static_cast<int32_t>(change)};
  core_->see(entry);
  if (topic) return;
  if (auto callback = core_->queue_changed.load()) (*callback)(name);
}

void Observatory::called(const ReportedCall& call) {
  // A caller's clock may be wrong; nothing is remembered as of the future.
  Seen entry{.kind = SeenKind::call,
             .at = std::min(call.at, core_->shards.clock().wall_now()),
             .service = call.service,
             .peer = call.peer,
             .correlation_id = call.correlation_id,
             .type = call.name,
             .outcome = call.outcome,
             .reason = call.reason,
             .search = {call.search.begin(), call.search.end()},
             .delivery = call.attempt,
             .duration = call.duration,
             .failed = call.failed};
  core_->see(entry);
}

void Observatory::client(const ClientSeen& seen) {
  if (is_internal(seen.topic)) return;
  Seen entry{.kind = seen.publishes ? SeenKind::produced : SeenKind::fetched,
             .service = seen.service,
             .peer = seen.address,
             .topic = seen.topic,
             .reason = seen.user,
             .offset = seen.records};
  core_->see(entry);
}

void Observatory::resting(Resting resting) {
  asio::post(collector(), [core = core_, resting = std::move(resting)]() mutable {
    std::string queue = resting.queue;
    core->memory.resting.insert_or_assign(std::move(queue), std::move(resting));
  });
}

void Observatory::rested(std::string queue) {
  asio::post(collector(), [core = core_, queue = std::move(queue)] { core->memory.resting.erase(queue); });
}

void Observatory::returned(const broker::Message& message, std::string_view queue, std::string_view service,
                           std::string_view reason) {
  auto header = [&](std::string_view name) -> std::string_view {
    for (const auto& h : message.headers) {
      if (h.name == name && h.value) return *h.value;
    }
    return {};
  };
  Seen entry{.kind = SeenKind::nacked,
             .service = service,
             .queue = queue,
             .id = message.id,
             .key = message.key ? std::string_view(*message.key) : std::string_view{},
             .correlation_id = header("correlationid"),
             .causation_id = header("causationid"),
             .type = header("ce_type"),
             .reason = reason,
             .delivery = message.delivery};
  core_->see(entry);
}

void Observatory::named(std::string queue, std::string address, std::string service) {
  asio::post(collector(), [core = core_, queue = std::move(queue), address = std::move(address),
                           service = std::move(service)] {
    if (core->memory.endpoint_names.size() >= endpoint_names_max) return;
    core->memory.graph.rename_consumer(queue, address, service);
    core->memory.endpoint_names.insert_or_assign({queue, address}, service);
  });
}

const std::string& Observatory::shown_name(const Memory& memory, const std::string& queue,
                                           const std::string& consumer) {
  auto name = memory.endpoint_names.find({queue, consumer});
  return name == memory.endpoint_names.end() ? consumer : name->second;
}

void Observatory::on_queue_changed(std::function<void(std::string_view)> callback) {
  core_->queue_changed = callback ? std::make_shared<Core::QueueChanged>(std::move(callback)) : nullptr;
}

runtime::Executor Observatory::collector() { return core_->shards.at(0).executor(); }
Observatory::Memory& Observatory::memory() { return core_->memory; }

runtime::Task<> Observatory::gather() {
  auto core = core_;
  for (auto& shard : core->per_shard) {
    co_await runtime::on<void>(shard->shard.executor(), [core, &shard]() -> runtime::Task<> {
      core->hand_over(*shard);
      co_return;
    });
  }
  // What was handed over was posted before this, so that it has been collected when this runs.
  co_await asio::post(core->shards.at(0).executor(), asio::use_awaitable);
}

const Clock& Observatory::clock() const { return core_->shards.clock(); }
const std::vector<std::string>& Observatory::search_headers() const { return core_->options.search_headers; }
int64_t Observatory::dropped() const { return core_->dropped.load(std::memory_order_relaxed); }
WallTime Observatory::started() const { return core_->started; }
Duration Observatory::uptime() const { return clock().now() - core_->started_instant; }

}  // namespace pabal::flows
