#include "runtime/timer_heap.h"

namespace pabal::runtime {

TimerId TimerHeap::add(Instant at, Callback callback) {
  uint64_t id = ++last_id_;
  waiting_.emplace(Key{at, id}, std::move(callback));
  times_.emplace(id, at);
  return TimerId(id);
}

void TimerHeap::cancel(TimerId id) {
  auto time = times_.find(id.value());
  if (time == times_.end()) return;
  auto entry = waiting_.extract(Key{time->second, id.value()});
  times_.erase(time);  // `entry` dies last: its destructor may come back here
}

std::optional<Instant> TimerHeap::next() const {
  if (waiting_.empty() || waiting_.begin()->first.first == Instant::max()) return std::nullopt;
  return waiting_.begin()->first.first;
}

TimerHeap::Callback TimerHeap::take_due(Instant now) {
  if (waiting_.empty() || waiting_.begin()->first.first > now) return {};
  auto entry = waiting_.extract(waiting_.begin());
  times_.erase(entry.key().second);
  return std::move(entry.mapped());
}

void TimerHeap::clear() {
  while (!waiting_.empty()) {
    auto all = std::exchange(waiting_, {});
    times_.clear();
  }
}

}  // namespace pabal::runtime
