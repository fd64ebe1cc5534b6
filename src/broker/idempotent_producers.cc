#include "broker/idempotent_producers.h"

#include <algorithm>
#include <charconv>

#include "base/check.h"
#include "broker/find_batch.h"
#include "broker/topic_table.h"

namespace pabal::broker {
namespace {

// The budget is what counts. The table counts a new producer once for each of its batches that are under way.
constexpr size_t under_way_max = 10'000;
constexpr Duration sweep_interval = std::chrono::minutes(10);  // between looks for what has expired

WallTime forgotten_at(WallTime last_batch) {
  return last_batch + std::chrono::duration_cast<std::chrono::milliseconds>(producer_expiration);
}

}  // namespace

// The batches of one producer that are being committed.
struct IdempotentProducers::UnderWay {
  ProducerState state;  // with all of them
  uint64_t taken = 0;
  uint64_t done = 0;
  bool failed = false;  // one has: those after it do too, and nothing is taken until they have
  std::shared_ptr<engine::CommitChain> chain = std::make_shared<engine::CommitChain>();
  std::set<Wakeup*> waiting = {};
};

struct IdempotentProducers::Claim {
  struct Taken {
    Key key;
    std::shared_ptr<UnderWay> under_way;
    engine::CommitChain::Link link;
    std::string state;
  };
  std::vector<Taken> taken = {};
  std::vector<Counted> given_way = {};  // forgotten, to make room
  WallTime forgotten_at = {};
  std::optional<engine::Table::Staged> staged = {};
};

void IdempotentProducers::ClaimDeleter::operator()(Claim* claim) const { delete claim; }
IdempotentProducers::ClaimPtr IdempotentProducers::new_claim() { return ClaimPtr(new Claim()); }

std::optional<IdempotentProducers::Key> IdempotentProducers::Key::parse(std::string_view text) {
  int32_t partition = 0;
  int64_t producer = 0;
  const char* end = text.data() + text.size();
  auto [slash, bad_partition] = std::from_chars(text.data(), end, partition);
  if (bad_partition != std::errc() || slash == end || *slash != '/') return std::nullopt;
  auto [rest, bad_producer] = std::from_chars(slash + 1, end, producer);
  if (bad_producer != std::errc() || rest != end) return std::nullopt;
  return Key{PartitionIndex(partition), ProducerId(producer)};
}

IdempotentProducers::IdempotentProducers(std::string topic_name, TopicId topic, Durability durability,
                                         engine::Engine& engine, runtime::Shard& shard,
                                         std::shared_ptr<ProducerBudget> budget)
    : name_(std::move(topic_name)),
      topic_(topic),
      durability_(durability),
      engine_(engine),
      shard_(shard),
      budget_(std::move(budget)),
      table_lock_(shard.executor()) {}

IdempotentProducers::~IdempotentProducers() {
  for (const auto& [partition, ages] : ages_) budget_->known -= static_cast<int64_t>(ages.size());
}

runtime::Task<Result<void>> IdempotentProducers::open() {
  if (table_ && table_lock_.idle()) co_return Result<void>{};
  // Also when the table is open by now: calls go on in the order in which they came.
  FifoLock::Turn turn = co_await table_lock_.take(shard_.timers());
  if (table_) co_return Result<void>{};
  const std::string table_name = "__pabal.idempotence." + name_;
  engine::TableOptions options{
      .name = table_name,
      .durability = durability_,
      .entries_max = static_cast<size_t>(2 * budget_->limits.in_all) + under_way_max};
  auto table =
      co_await engine::Table::open(engine_, shard_.timers(), idempotence_log(topic_), std::move(options));
  if (!table) co_return std::unexpected(table.error());
  if (budget_->limits.fault == ProducerFault::forgotten) {
    engine::TableChanges all;
    for (const auto& [text, entry] : (*table)->entries()) all.push_back({text, std::nullopt});
    std::ignore = co_await (*table)->change(std::move(all));
  }
  for (const auto& [text, entry] : (*table)->entries()) {
    auto key = Key::parse(text);
    auto state = ProducerState::decode(entry.value);
    if (!key || !state || !entry.expires) {
      co_return error(ErrorCode::corrupt, "the entry {:?} of {} cannot be read", text, table_name);
    }
    count({*entry.expires, *key});
  }
  table_ = std::move(*table);
  sweep_later();
  co_return Result<void>{};
}

ProducerState IdempotentProducers::stored(const Key& key) const {
  const std::string* text = table_->find(key.text());
  if (!text) return {};
  auto state = ProducerState::decode(*text);
  check(state.has_value(), "what is stored of producer {} cannot be read any more", key.producer);
  return std::move(*state);
}

// -- one batch
// --------------------------------------------------------------------------------------------------------

std::shared_ptr<IdempotentProducers::UnderWay> IdempotentProducers::repeated_under_way(
    const Batch& batch) const {
  auto found = under_way_.find({batch.partition, batch.sent.producer});
  if (found == under_way_.end()) return nullptr;
  const UnderWay& under_way = *found->second;
  auto verdict = under_way.state.judge(batch.sent);
  if (verdict == ProducerState::Verdict::repeated_late) return found->second;
  if (verdict != ProducerState::Verdict::repeated) return nullptr;
  const auto& kept = under_way.state.kept();
  auto behind_it = static_cast<uint64_t>(&kept.back() - under_way.state.find(batch.sent));
  return behind_it < under_way.taken - under_way.done ? found->second : nullptr;
}

runtime::Task<> IdempotentProducers::wait_for_repeated(std::vector<Batch> batches) {
  if (budget_->limits.fault == ProducerFault::repeated_before_durable) co_return;
  struct Place {
    Place(std::shared_ptr<UnderWay> u, runtime::Executor executor)
        : under_way(std::move(u)), wakeup(std::move(executor)) {
      under_way->waiting.insert(&wakeup);
    }
    ~Place() { under_way->waiting.erase(&wakeup); }
    std::shared_ptr<UnderWay> under_way;
    Wakeup wakeup;
  };
  bool waited = true;
  // Once more after each wait: another call may have begun with one of them meanwhile.
  for (std::set<size_t> late; waited;) {
    waited = false;
    for (size_t i = 0; i < batches.size(); ++i) {
      auto under_way = repeated_under_way(batches[i]);
      // One that is no longer kept waits for all that was under way when it came, and not for more.
      bool is_late = under_way && !under_way->state.find(batches[i].sent);
      if (!under_way || (is_late && !late.insert(i).second)) continue;
      waited = true;
      Place place(under_way, shard_.executor());
      uint64_t until = under_way->taken;
      while (under_way->done < until) {
        std::ignore = co_await place.wakeup.wait(shard_.timers(), Deadline::never());
      }
    }
  }
}

Result<std::optional<Offset>> IdempotentProducers::take(Claim& claim, const Batch& batch) {
  using Verdict = ProducerState::Verdict;
  Key key{batch.partition, batch.sent.producer};
  auto found = under_way_.find(key);
  if (found != under_way_.end() && found->second->failed) {
    return error(ErrorCode::unavailable, "a batch of producer {} before this one could not be stored",
                 key.producer);
  }
  ProducerState state = found == under_way_.end() ? stored(key) : found->second->state;
  auto sequences = [&] { return fmt::format("{} to {}", batch.sent.first, batch.sent.last); };
  switch (state.judge(batch.sent)) {
    case Verdict::repeated:
      return state.find(batch.sent)->from;
    case Verdict::repeated_late:
      return error(ErrorCode::duplicate, "sequences {} of producer {} are stored, before its last {} batches",
                   sequences(), key.producer, ProducerState::kept_max);
    case Verdict::out_of_order:
      return error(ErrorCode::out_of_order,
                   "sequences {} of producer {} in epoch {}; the last that is stored is {} in epoch {}",
                   sequences(), key.producer, batch.sent.epoch, state.kept().back().last, state.epoch());
    case Verdict::fenced:
      if (budget_->limits.fault == ProducerFault::fences_nobody) break;
      return error(ErrorCode::fenced, "producer {} in epoch {}; it is in epoch {} now", key.producer,
                   batch.sent.epoch, state.epoch());
    case Verdict::next:
      break;
  }
  auto range = engine_.range(partition_log(topic_, batch.partition));
  if (!range) return std::unexpected(range.error());
  if (!state.is_known()) {
    if (auto room = make_room(claim, batch.partition); !room) return std::unexpected(room.error());
  }
  bool keeps_four = budget_->limits.fault == ProducerFault::keeps_four;
  state.add(batch.sent, range->next, keeps_four ? 4 : ProducerState::kept_max);
  auto& under_way = found == under_way_.end() ? under_way_[key] : found->second;
  if (!under_way) under_way = std::make_shared<UnderWay>();
  ++under_way->taken;
  claim.taken.push_back({key, under_way, engine::CommitChain::next(under_way->chain), state.encode()});
  under_way->state = std::move(state);
  return std::nullopt;
}

// -- one commit
// -------------------------------------------------------------------------------------------------------

Result<void> IdempotentProducers::stage(Claim& claim, engine::Commit& commit) {
  engine::TableChanges changes;
  claim.forgotten_at = forgotten_at(shard_.timers().clock().wall_now());
  for (const Counted& one : claim.given_way) changes.push_back({one.key.text(), std::nullopt});
  for (Claim::Taken& taken : claim.taken) {
    changes.push_back({taken.key.text(), std::move(taken.state), claim.forgotten_at});
    commit.links.push_back(taken.link);
  }
  if (changes.empty()) return {};
  engine::CommitBuilder builder;
  auto staged = table_->stage(builder, std::move(changes));
  if (!staged) return std::unexpected(staged.error());
  claim.staged.emplace(std::move(*staged));
  for (engine::LogAppend& append : builder.finish().appends) commit.appends.push_back(std::move(append));
  return {};
}

void IdempotentProducers::end(ClaimPtr claim, bool stored) {
  for (const Claim::Taken& taken : claim->taken) {
    auto entry = table_->entries().find(taken.key.text());
    if (entry != table_->entries().end() && stored) uncount({*entry->second.expires, taken.key});
  }
  if (stored && claim->staged) table_->apply(std::move(*claim->staged));
  claim->staged.reset();
  if (!stored) {
    for (const Counted& one : claim->given_way) count(one);
  }
  for (Claim::Taken& taken : claim->taken) {
    if (stored) count({claim->forgotten_at, taken.key});
    UnderWay& under_way = *taken.under_way;
    ++under_way.done;
    under_way.failed = under_way.failed || !stored;
    for (Wakeup* waiting : under_way.waiting) waiting->wake();
    if (under_way.done == under_way.taken) under_way_.erase(taken.key);
  }
  sweep_later();
}

runtime::Task<Result<Offset>> IdempotentProducers::find(Batch batch, Offset from) const {
  log::ProducerStamp wanted{batch.sent.producer, batch.sent.epoch, batch.sent.first};
  auto is_it = [wanted](const log::BatchView& stored) { return stored.producer() == wanted; };
  auto base = co_await find_batch(engine_, partition_log(topic_, batch.partition), from, is_it);
  if (base && *base) co_return **base;
  if (!base && base.error().code != ErrorCode::not_found) co_return std::unexpected(base.error());
  co_return error(
      ErrorCode::duplicate,
      "the batch was stored under its sequences, and retention, compaction or deletion has removed it since");
}

// -- how many
// ---------------------------------------------------------------------------------------------------------

void IdempotentProducers::count(const Counted& one) {
  if (ages_[one.key.partition].emplace(one.forgotten_at, one.key.producer).second) ++budget_->known;
}

void IdempotentProducers::uncount(const Counted& one) {
  auto ages = ages_.find(one.key.partition);
  if (ages == ages_.end() || ages->second.erase({one.forgotten_at, one.key.producer}) == 0) return;
  --budget_->known;
  if (ages->second.empty()) ages_.erase(ages);
}

// Of those that nothing is under way of.
std::optional<IdempotentProducers::Counted> IdempotentProducers::most_silent(PartitionIndex partition,
                                                                             const Ages& ages) const {
  for (const auto& [when, producer] : ages) {
    Key key{partition, producer};
    if (!under_way_.contains(key)) return Counted{when, key};
  }
  return std::nullopt;
}

// One more producer. At a limit the one gives way that has been silent for longest, when that is so long that
// no client of it still repeats what it sent.
Result<void> IdempotentProducers::make_room(Claim& claim, PartitionIndex partition) {
  drop_expired();
  auto here = ages_.find(partition);
  bool full_here = here != ages_.end() && std::ssize(here->second) >= budget_->limits.per_partition;
  if (!full_here && budget_->known < budget_->limits.in_all) return {};
  std::optional<Counted> oldest;
  for (const auto& [other, ages] : ages_) {
    if (full_here && other != partition) continue;
    auto silent = most_silent(other, ages);
    if (silent && (!oldest || *silent < *oldest)) oldest = silent;
  }
  WallTime now = shard_.timers().clock().wall_now();
  auto silent_min = std::chrono::duration_cast<std::chrono::milliseconds>(producer_silence_min);
  if (!oldest || forgotten_at(now) - oldest->forgotten_at < silent_min) {
    return error(ErrorCode::over_limit,
                 "{} producers have published to {} within {} minutes, the most there may be",
                 full_here ? budget_->limits.per_partition : budget_->known.load(),
                 full_here ? fmt::format("partition {} of {}", partition, name_) : "all topics",
                 std::chrono::duration_cast<std::chrono::minutes>(producer_silence_min).count());
  }
  uncount(*oldest);
  claim.given_way.push_back(*oldest);
  return {};
}

void IdempotentProducers::drop_expired() {
  table_->drop_expired();
  WallTime now = shard_.timers().clock().wall_now();
  for (auto it = ages_.begin(); it != ages_.end();) {
    Ages& ages = it->second;
    for (; !ages.empty() && ages.begin()->first <= now; --budget_->known) ages.erase(ages.begin());
    it = ages.empty() ? ages_.erase(it) : std::next(it);
  }
}

void IdempotentProducers::sweep_later() {
  if (sweeping_ || ages_.empty()) return;
  sweeping_ = true;
  runtime::Timers& timers = shard_.timers();
  timers.at(timers.clock().now() + sweep_interval, [this, weak = std::weak_ptr(alive_)] {
    if (weak.expired()) return;
    sweeping_ = false;
    drop_expired();
    sweep_later();
  });
}

runtime::Task<> IdempotentProducers::stop() {
  if (table_) co_await table_->stop();
}

}  // namespace pabal::broker
