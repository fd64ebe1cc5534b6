#include "engine/log_state.h"

#include <algorithm>
#include <boost/asio/post.hpp>

#include "base/logging.h"

namespace pabal::engine {

void Deliveries::add(const runtime::Executor& executor, Work work) {
  auto same = [&](const Batch& batch) { return batch.executor == executor; };
  auto batch = std::ranges::find_if(batches_, same);
  if (batch == batches_.end()) batch = batches_.insert(batch, Batch{executor, {}});
  batch->work.push_back(std::move(work));
}

void Deliveries::send() {
  for (Batch& batch : std::exchange(batches_, {})) {
    asio::post(batch.executor, [all = std::move(batch.work)]() mutable {
      for (Work& work : all) work();
    });
  }
}

void Deliveries::reverse() {
  for (Batch& batch : batches_) std::ranges::reverse(batch.work);
}

// What the watcher's owner holds. Its end is the watcher's.
struct Watchers::Handle {
  std::shared_ptr<Watcher> watcher;
  std::shared_ptr<log::Published<List>> list;

  ~Handle() {
    watcher->closed = true;
    list->update([this](List all) {
      std::erase(all, watcher);
      return all;
    });
  }
};

Engine::Watch Watchers::add(runtime::Executor executor, std::function<void()> advanced) {
  auto watcher = std::make_shared<Watcher>();
  watcher->executor = std::move(executor);
  watcher->advanced = std::move(advanced);
  list_->update([&](List all) {
    all.push_back(watcher);
    return all;
  });
  auto handle = std::make_shared<Handle>();
  handle->watcher = std::move(watcher);
  handle->list = list_;
  return handle;
}

void Watchers::notify(Deliveries& deliveries) {
  auto list = list_->get();
  for (const auto& watcher : *list) {
    if (watcher->pending.exchange(true)) continue;
    deliveries.add(watcher->executor, [watcher] {
      watcher->pending.store(false);
      if (!watcher->closed) watcher->advanced();
    });
  }
}

void Pins::set(const std::string& who, std::optional<Offset> from) {
  std::lock_guard lock(mutex_);
  if (from) {
    by_owner_[who] = *from;
  } else {
    by_owner_.erase(who);
  }
}

std::optional<Offset> Pins::lowest() const {
  std::lock_guard lock(mutex_);
  std::optional<Offset> lowest;
  for (const auto& [who, from] : by_owner_) lowest = lowest ? std::min(*lowest, from) : from;
  return lowest;
}

void Damage::found(const LogId& log, const std::string& problem) {
  if (any_.exchange(true)) return;
  problem_.set(std::make_shared<const std::string>(problem));
  spdlog::error("engine: {} takes no more records: {}", log, problem);
}

LogState::LogState(LogId log, log::FileCache& files, const std::string& directory,
                   const log::LogCheckpoint& state, log::SegmentLimits limits)
    : id(log),
      name(state.settings.name),
      durability(state.settings.durability),
      epoch(state.epoch),
      lost(state.lost),
      continues_at(state.next),
      settings(state.settings),
      reserved(state.reserved),
      reserving(state.reserved),
      next(state.next),
      written(state.next),
      first(state.first.value()),
      high_watermark(state.next.value()),
      segments(files, directory, state, limits) {
  segment_bytes = segments.bytes();
  stored_bytes = segment_bytes.load();
  if (durability != Durability::flushed) gaps.emplace_back(segments.end(), state.next);
}

void LogState::segments_changed() {
  uint64_t now = segments.bytes();
  uint64_t before = segment_bytes.exchange(now);
  stored_bytes += now - before;  // less than nothing wraps around, as it should
}

Offset LogState::behind_gap(Offset from) const {
  for (const auto& [begin, end] : gaps) {
    if (begin <= from && from < end) from = end;
  }
  return from;
}

log::Published<LogTable::Part>& LogTable::part_of(const LogId& id) {
  return parts_[std::hash<LogId>{}(id) % part_count];
}
const log::Published<LogTable::Part>& LogTable::part_of(const LogId& id) const {
  return parts_[std::hash<LogId>{}(id) % part_count];
}

std::shared_ptr<LogState> LogTable::find(const LogId& id) const {
  auto part = part_of(id).get();
  auto found = part->find(id);
  return found == part->end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<LogState>> LogTable::all() const {
  std::vector<std::shared_ptr<LogState>> logs;
  for (const auto& published : parts_) {
    auto part = published.get();
    for (const auto& [id, log] : *part) logs.push_back(log);
  }
  std::ranges::sort(logs, {}, [](const auto& log) { return log->id; });
  return logs;
}

void LogTable::add(std::shared_ptr<LogState> log) {
  part_of(log->id).update([&](Part part) {
    part[log->id] = log;
    return part;
  });
}

void LogTable::remove(const LogId& id) {
  part_of(id).update([&](Part part) {
    part.erase(id);
    return part;
  });
}

}  // namespace pabal::engine
