#include "broker/queue_state.h"

#include <algorithm>

#include "base/check.h"

namespace pabal::broker {

// -- logs and scanning
// ------------------------------------------------------------------------------------------------

void QueueState::add_source(Source source, SettledSet settled) {
  Log log{std::move(settled), {}, {}, {}};
  log.scanned = log.settled.cursor();
  log.end = log.scanned;
  sources_.emplace(source, std::move(log));
}

std::vector<Source> QueueState::sources() const {
  std::vector<Source> all;
  for (const auto& [source, log] : sources_) all.push_back(source);
  return all;
}

void QueueState::set_end(Source source, Offset end) {
  Log& log = sources_.at(source);
  log.end = std::max(log.end, end);
}

int64_t QueueState::lose_below(Source source, Offset first) {
  Log& log = sources_.at(source);
  if (first <= log.settled.cursor()) return 0;
  int64_t lost = std::max<int64_t>(0, first - std::max(log.scanned, log.settled.cursor()));
  std::vector<Place> gone;
  for (auto it = entries_.lower_bound({source, Offset(0)});
       it != entries_.end() && it->first.source == source && it->first.offset < first; ++it) {
    if (!it->second.frozen) gone.push_back(it->first);
  }
  for (Place place : gone) remove(place, WallTime{});
  settle_without_entry(source, log, log.settled.cursor(), first);  // a commit is changing the rest now
  log.scanned = std::max(log.scanned, first);
  log.end = std::max(log.end, first);
  return lost + static_cast<int64_t>(gone.size());
}

void QueueState::settle_without_entry(Source source, Log& log, Offset from, Offset to) {
  while (from < to) {
    auto entry = entries_.lower_bound({source, from});
    bool any = entry != entries_.end() && entry->first.source == source && entry->first.offset < to;
    Offset end = any ? entry->first.offset : to;
    log.settled.add(from, end);
    from = end + 1;
  }
}

void QueueState::skip_missing(Source source, Offset from, Offset to) {
  if (from < to) settle_without_entry(source, sources_.at(source), from, to);
}

bool QueueState::may_scan(Source source, const Log& log) const {
  if (log.scanned >= log.end) return false;
  bool by_key = rules_.order == KeyOrder::by_key;
  if (source == own_source && by_key) return true;
  if (count_[static_cast<size_t>(State::ready)] >= rules_.ready_max) return false;
  if (source == own_source) return true;
  return log.scanned - log.settled.cursor() < rules_.look_ahead &&
         static_cast<int64_t>(entries_.size()) < rules_.look_ahead;
}

std::optional<Place> QueueState::next_scan() const {
  // The own log comes first: what was redriven there goes before the rest of its key.
  std::optional<Place> best;
  int64_t best_backlog = 0;
  for (const auto& [source, log] : sources_) {
    if (!may_scan(source, log)) continue;
    if (source == own_source) return Place{source, log.scanned};
    int64_t backlog = log.end - log.scanned;
    if (!best || backlog > best_backlog) {
      best = Place{source, log.scanned};
      best_backlog = backlog;
    }
  }
  return best;
}

void QueueState::see(const Seen& seen, WallTime now) {
  Log& log = sources_.at(seen.place.source);
  if (log.settled.contains(seen.place.offset) || entries_.contains(seen.place)) return;
  Entry entry{.key = seen.key,
              .enqueued_at = seen.enqueued_at,
              .due = seen.due,
              .expires = seen.expires,
              .deliveries = seen.deliveries,
              .open = seen.open};
  Entry& placed = entries_.emplace(seen.place, entry).first->second;
  ++count_[static_cast<size_t>(State::waiting)];
  if (placed.expires) expiries_.emplace(*placed.expires, seen.place);
  bool goes = true;
  if (rules_.order == KeyOrder::by_key && placed.key != 0) {
    goes =
        seen.first_of_key ? lines_.join_first(placed.key, seen.place) : lines_.join(placed.key, seen.place);
  }
  if (goes) go(seen.place, placed, now);
}

void QueueState::skip(Place place) {
  Log& log = sources_.at(place.source);
  if (!entries_.contains(place)) log.settled.add(place.offset);
}

void QueueState::scanned(Source source, Offset to) {
  Log& log = sources_.at(source);
  log.scanned = std::max(log.scanned, to);
  log.end = std::max(log.end, log.scanned);
}

void QueueState::scan_again(Place from) {
  Log& log = sources_.at(from.source);
  log.scanned = std::min(log.scanned, from.offset);
}

// -- states
// -----------------------------------------------------------------------------------------------------------

QueueState::Entry& QueueState::at(Place place) {
  auto it = entries_.find(place);
  pabal::check(it != entries_.end(), "the queue does not hold {}", place);
  return it->second;
}

const QueueState::Entry* QueueState::find(Place place) const {
  auto it = entries_.find(place);
  return it == entries_.end() ? nullptr : &it->second;
}

void QueueState::leave_index(Place place, Entry& entry) {
  if (entry.state == State::ready) {
    sources_.at(place.source).ready.erase(place.offset);
    if (entry.frozen) --frozen_ready_;
  }
  if (entry.state == State::leased) leased_.erase({entry.leased_until, place});
  if (entry.state == State::delayed) delayed_.erase({*entry.due, place});
}

void QueueState::enter_index(Place place, Entry& entry) {
  if (entry.state == State::ready) {
    if (entry.frozen) {
      ++frozen_ready_;
    } else {
      sources_.at(place.source).ready.insert(place.offset);
    }
  }
  if (entry.state == State::leased) leased_.emplace(entry.leased_until, place);
  if (entry.state == State::delayed) delayed_.emplace(*entry.due, place);
}

// `due` and `leased_until` must have their new values only after the old index was left: callers set them
// between.
void QueueState::set_state(Place place, Entry& entry, State state) {
  leave_index(place, entry);
  --count_[static_cast<size_t>(entry.state)];
  entry.state = state;
  ++count_[static_cast<size_t>(state)];
  enter_index(place, entry);
}

void QueueState::go(Place place, Entry& entry, WallTime now) {
  set_state(place, entry, entry.due && *entry.due > now ? State::delayed : State::ready);
}

void QueueState::remove(Place place, WallTime now) {
  Entry& entry = at(place);
  leave_index(place, entry);
  --count_[static_cast<size_t>(entry.state)];
  if (entry.expires) expiries_.erase({*entry.expires, place});
  uint64_t key = entry.key;
  entries_.erase(place);
  if (rules_.order != KeyOrder::by_key || key == 0) return;
  std::optional<Place> next = lines_.leave(key, place);
  if (next) go(*next, at(*next), now);
}

// -- delivery
// ---------------------------------------------------------------------------------------------------------

std::vector<QueueState::Grant> QueueState::lease(size_t max, Instant until, WallTime now, uint32_t consumer) {
  std::vector<Grant> grants;
  auto next = sources_.upper_bound(last_source_);
  for (size_t i = 0; i < sources_.size() && grants.size() < max; ++i, ++next) {
    if (next == sources_.end()) next = sources_.begin();
    auto& [source, log] = *next;
    for (auto it = log.ready.begin(); it != log.ready.end() && grants.size() < max;) {
      Place place{source, *it};
      ++it;  // set_state() takes this one out
      Entry& entry = at(place);
      if (entry.expires && *entry.expires <= now) continue;
      leave_index(place, entry);
      --count_[static_cast<size_t>(State::ready)];
      entry.state = State::leased;
      entry.leased_until = until;
      entry.due.reset();
      entry.serial = ++serial_;
      entry.consumer = consumer;
      entry.open = true;
      ++entry.deliveries;
      ++count_[static_cast<size_t>(State::leased)];
      enter_index(place, entry);
      grants.push_back({place, {place, entry.deliveries, run_, entry.serial}, consumer});
      last_source_ = source;
    }
  }
  return grants;
}

void QueueState::give_back(const Lease& lease, std::optional<WallTime> due, WallTime now) {
  auto it = entries_.find(lease.place);
  if (it == entries_.end() || lease.run != run_) return;
  Entry& entry = it->second;
  if (entry.state != State::leased || entry.serial != lease.serial || entry.frozen) return;
  leave_index(lease.place, entry);
  --count_[static_cast<size_t>(State::leased)];
  entry.state = State::waiting;
  ++count_[static_cast<size_t>(State::waiting)];
  entry.running_out = false;
  --entry.deliveries;
  entry.open = false;
  entry.due = due;
  go(lease.place, entry, now);
}

bool QueueState::extend(const Lease& lease, Instant until) {
  auto it = entries_.find(lease.place);
  if (it == entries_.end() || lease.run != run_) return false;
  Entry& entry = it->second;
  if (entry.state != State::leased || entry.serial != lease.serial || entry.frozen) return false;
  leave_index(lease.place, entry);
  entry.leased_until = until;
  entry.running_out = false;
  enter_index(lease.place, entry);
  return true;
}

bool QueueState::matches(const Entry& entry, const Lease& lease) const {
  if (entry.serial != 0) {
    if (lease.run != run_ || lease.serial != entry.serial) return false;
    return entry.state == State::leased || entry.open;
  }
  // Not leased since the restart: the latest lease from before still acks, unless it gave the message up.
  if (lease.run == run_) return false;
  return lease.delivery > entry.deliveries || (lease.delivery == entry.deliveries && entry.open);
}

QueueState::Verdict QueueState::check(const Lease& lease) const {
  auto source = sources_.find(lease.place.source);
  if (source == sources_.end()) return Verdict::unknown;
  const Log& log = source->second;
  if (const Entry* entry = find(lease.place)) return matches(*entry, lease) ? Verdict::ok : Verdict::expired;
  if (log.settled.contains(lease.place.offset)) {
    return lease.run == run_ && done_.contains(lease.serial) ? Verdict::done : Verdict::expired;
  }
  if (lease.place.offset >= log.end) return Verdict::unknown;
  return lease.run == run_ ? Verdict::expired : Verdict::unscanned;
}

// -- time
// -------------------------------------------------------------------------------------------------------------

std::vector<Lease> QueueState::run_out(Instant now) {
  std::vector<Lease> ended;
  for (auto it = leased_.begin(); it != leased_.end() && it->first <= now; ++it) {
    Entry& entry = at(it->second);
    if (entry.frozen || entry.running_out) continue;
    entry.running_out = true;
    ended.push_back({it->second, entry.deliveries, run_, entry.serial});
  }
  return ended;
}

void QueueState::make_due(WallTime now) {
  while (!delayed_.empty() && delayed_.begin()->first <= now) {
    Place place = delayed_.begin()->second;
    set_state(place, at(place), State::ready);
  }
}

std::vector<Place> QueueState::overdue(WallTime now, size_t max) const {
  std::vector<Place> places;
  for (auto it = expiries_.begin(); it != expiries_.end() && it->first <= now && places.size() < max; ++it) {
    const Entry& entry = entries_.at(it->second);
    if (!entry.frozen && entry.state != State::leased) places.push_back(it->second);
  }
  return places;
}

std::optional<Instant> QueueState::next_lease_end() const {
  for (const auto& [until, place] : leased_) {
    const Entry& entry = entries_.at(place);
    if (!entry.running_out) return until;
  }
  return std::nullopt;
}

std::optional<WallTime> QueueState::next_due() const {
  if (delayed_.empty()) return std::nullopt;
  return delayed_.begin()->first;
}

std::optional<WallTime> QueueState::next_expiry() const {
  if (expiries_.empty()) return std::nullopt;
  return expiries_.begin()->first;
}

// -- outcomes
// ---------------------------------------------------------------------------------------------------------

bool QueueState::freeze(Place place) {
  auto it = entries_.find(place);
  if (it == entries_.end() || it->second.frozen) return false;
  Entry& entry = it->second;
  leave_index(place, entry);
  entry.frozen = true;
  enter_index(place, entry);
  return true;
}

void QueueState::thaw(Place place) {
  Entry& entry = at(place);
  pabal::check(entry.frozen, "{} is not frozen", place);
  leave_index(place, entry);
  entry.frozen = false;
  entry.running_out = false;
  enter_index(place, entry);
}

void QueueState::settle(Place place, WallTime now) {
  Entry& entry = at(place);
  pabal::check(entry.frozen, "{} is settled without a commit", place);
  if (entry.serial != 0) remember_done(entry.serial);
  remove(place, now);
}

void QueueState::die(Place place, WallTime now) {
  Entry& entry = at(place);
  pabal::check(entry.frozen, "{} dies without a commit", place);
  bool hold = rules_.order == KeyOrder::by_key && rules_.on_dead == OnDead::hold && entry.key != 0;
  if (hold) lines_.hold(entry.key);
  remove(place, now);
}

void QueueState::retry(Place place, int deliveries, std::optional<WallTime> due, bool open, WallTime now) {
  thaw(place);
  Entry& entry = at(place);
  leave_index(place, entry);
  --count_[static_cast<size_t>(entry.state)];
  entry.state = State::waiting;
  ++count_[static_cast<size_t>(State::waiting)];
  entry.deliveries = deliveries;
  entry.due = due;
  entry.open = open;
  bool by_key = rules_.order == KeyOrder::by_key && entry.key != 0;
  if (!by_key || lines_.is_first(entry.key, place)) go(place, entry, now);
}

void QueueState::hold_key(uint64_t key) {
  if (rules_.order == KeyOrder::by_key) lines_.hold(key);
}

void QueueState::release_key(uint64_t key, WallTime now) {
  std::optional<Place> next = lines_.release(key);
  if (next) go(*next, at(*next), now);
}

void QueueState::remember_done(uint64_t serial) {
  done_.insert(serial);
  done_order_.push_back(serial);
  if (done_order_.size() <= done_max) return;
  done_.erase(done_order_.front());
  done_order_.pop_front();
}

// -- looking
// ----------------------------------------------------------------------------------------------------------

QueueState::Counts QueueState::counts() const {
  Counts counts{count_[0], count_[1], count_[2], count_[3], 0};
  for (const auto& [source, log] : sources_) counts.unscanned += std::max<int64_t>(0, log.end - log.scanned);
  return counts;
}

std::optional<WallTime> QueueState::oldest_ready() const {
  std::optional<WallTime> oldest;
  for (const auto& [source, log] : sources_) {
    if (log.ready.empty()) continue;
    WallTime at = entries_.at({source, *log.ready.begin()}).enqueued_at;
    oldest = oldest ? std::min(*oldest, at) : at;
  }
  return oldest;
}

std::optional<Place> QueueState::stalled_by() const {
  if (count_[static_cast<size_t>(State::ready)] > 0) return std::nullopt;
  for (const auto& [source, log] : sources_) {
    if (log.scanned >= log.end || may_scan(source, log)) continue;
    auto oldest = entries_.lower_bound({source, log.settled.cursor()});
    if (oldest != entries_.end() && oldest->first.source == source) return oldest->first;
  }
  return std::nullopt;
}

}  // namespace pabal::broker
