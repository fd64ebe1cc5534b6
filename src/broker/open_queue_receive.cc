#include <algorithm>

#include "broker/open_queue.h"

// Handing messages out.

namespace pabal::broker {

using runtime::Task;

namespace {

constexpr int removed_rounds_max = 1000;  // grants of removed records only, in one call

}  // namespace

// A receiver in its long poll, in the line of those that wait.
struct OpenQueue::Waiter {
  Waiter(OpenQueue& q, const Receive& r, Duration v, uint32_t c)
      : queue(q), max(r.max), poll(r.poll), visibility(v), consumer(c), wakeup(q.core_->shard.executor()) {
    queue.waiters_.push_back(this);
  }
  ~Waiter() {
    std::erase(queue.waiters_, this);
    for (const QueueState::Grant& grant : grants) queue.give_back(grant);  // it is there no more to take them
  }
  OpenQueue& queue;
  int max;
  uint64_t poll;
  Duration visibility;
  uint32_t consumer;
  Wakeup wakeup;
  std::vector<QueueState::Grant> grants;
};

struct OpenQueue::Poll {
  Poll(OpenQueue& q, uint32_t n) : queue(q), number(n) { queue.core_->consumers.begin_poll(number); }
  ~Poll() {
    queue.core_->consumers.end_poll(number, queue.core_->now(), queue.core_->wall_now());
    queue.arm();  // to see it leave
  }
  Poll(const Poll&) = delete;
  Poll& operator=(const Poll&) = delete;
  OpenQueue& queue;
  uint32_t number;
};

// Gives leases back that have not reached their receiver.
class OpenQueue::Handing {
 public:
  Handing(OpenQueue& queue, const std::vector<QueueState::Grant>& grants) : queue_(queue), grants_(grants) {}
  ~Handing() {
    if (done_) return;
    for (const QueueState::Grant& grant : grants_) queue_.give_back(grant);
  }
  Handing(const Handing&) = delete;
  Handing& operator=(const Handing&) = delete;
  void done() { done_ = true; }

 private:
  OpenQueue& queue_;
  const std::vector<QueueState::Grant>& grants_;
  bool done_ = false;
};

void OpenQueue::give_back(const QueueState::Grant& grant) {
  core_->consumers.add_leases(grant.consumer, -1, core_->now());
  core_->out.erase(grant.place);
  core_->state.give_back(grant.lease, std::nullopt, core_->wall_now());
  if (!core_->stopping) core_->changed();
}

Result<void> OpenQueue::check_receive(const Receive& receive) const {
  if (receive.max < 1 || receive.max > receive_max) {
    return error(ErrorCode::invalid, "max: {} is not from 1 to {}", receive.max, receive_max);
  }
  if (receive.wait < Duration::zero() || receive.wait > wait_max) {
    return error(ErrorCode::invalid, "wait: at most 60s");
  }
  if (receive.visibility &&
      (*receive.visibility <= Duration::zero() || *receive.visibility > visibility_max)) {
    return error(ErrorCode::invalid, "visibility: must be above 0 and at most 7d");
  }
  return {};
}

std::vector<QueueState::Grant> OpenQueue::grant(int max, Duration visibility, uint32_t consumer) {
  if (core_->record.paused_since || core_->stopping) return {};
  auto room = std::min<int64_t>(max, core_->consumers.leases_left(consumer));
  if (room <= 0) return {};
  auto grants =
      core_->state.lease(static_cast<size_t>(room), core_->now() + visibility, core_->wall_now(), consumer);
  core_->consumers.add_leases(consumer, static_cast<int64_t>(grants.size()), core_->now());
  return grants;
}

void OpenQueue::dispatch() {
  // One that may take no more is passed over; it keeps its place.
  for (auto next = waiters_.begin(); next != waiters_.end() && core_->state.anything_ready();) {
    Waiter* waiter = *next;
    waiter->grants = grant(waiter->max, waiter->visibility, waiter->consumer);
    if (waiter->grants.empty()) {
      ++next;
      continue;
    }
    next = waiters_.erase(next);
    waiter->wakeup.wake();
  }
}

Result<bool> OpenQueue::give_up(uint64_t poll) {
  auto waiter = std::ranges::find(waiters_, poll, &Waiter::poll);
  if (poll == 0 || waiter == waiters_.end()) return false;
  Wakeup& wakeup = (*waiter)->wakeup;
  waiters_.erase(waiter);  // nothing more is handed to it
  wakeup.wake();
  return true;
}

void OpenQueue::end_waits() {
  for (Waiter* waiter : waiters_) waiter->wakeup.wake();
}

Task<Result<std::vector<Message>>> OpenQueue::receive(const Receive& receive) {
  if (auto sound = check_receive(receive); !sound) co_return std::unexpected(sound.error());
  QueueCore& core = *core_;
  Deadline deadline = Deadline::after(core.shard.timers().clock(), receive.wait);
  auto [number, joined] = core.consumers.arrive(receive.service, receive.via, core.now(), core.wall_now());
  if (joined) core.observer.consumer_joined(core.name, receive.service);
  Poll poll(*this, number);
  if (core.consumers.leases_left(number) <= 0) {
    co_return error(ErrorCode::over_limit, "{:?} holds {} leases, the most of one consumer", receive.service,
                    Consumers::leases_of_one_max);
  }
  for (int rounds = 0;;) {
    if (core.stopping) co_return error(ErrorCode::unavailable, "the queue is being closed");
    auto grants = co_await wait_for_grants(receive, number, deadline);
    arm();
    if (grants.empty()) {
      if (core.stopping) continue;
      co_return std::vector<Message>{};
    }
    auto messages = co_await hand_out(std::move(grants), receive.service);
    if (!messages || !messages->empty()) co_return messages;
    // What was granted had been removed; there may be more behind it.
    bool again = ++rounds < removed_rounds_max && core.state.anything_ready();
    if (!again && deadline.passed(core.shard.timers().clock())) co_return messages;
  }
}

Task<std::vector<QueueState::Grant>> OpenQueue::wait_for_grants(const Receive& receive, uint32_t consumer,
                                                                Deadline deadline) {
  Duration visibility = receive.visibility.value_or(core_->settings().visibility);
  if (waiters_.empty()) {
    auto grants = grant(receive.max, visibility, consumer);
    if (!grants.empty()) co_return grants;
  }
  if (deadline.passed(core_->shard.timers().clock())) co_return std::vector<QueueState::Grant>{};
  Waiter waiter(*this, receive, visibility, consumer);
  co_await waiter.wakeup.wait(core_->shard.timers(), deadline);
  co_return std::exchange(waiter.grants, {});
}

void OpenQueue::lose(const QueueState::Grant& grant) {
  if (core_->is_lost(grant.place)) ++core_->lost_to_retention;
  core_->consumers.add_leases(grant.consumer, -1, core_->now());
  if (!core_->state.freeze(grant.place)) return;
  core_->state.settled(grant.place.source).add(grant.place.offset);
  core_->state.settle(grant.place, core_->wall_now());
}

Task<Result<std::vector<Message>>> OpenQueue::hand_out(std::vector<QueueState::Grant> grants,
                                                       std::string service) {
  Handing handing(*this, grants);
  std::map<Place, Message> read;
  std::vector<Place> places;
  for (const QueueState::Grant& grant : grants) places.push_back(grant.place);
  std::ranges::sort(places);
  auto done = co_await core_->reader.read_each(places, [&](Place place, const log::StoredRecord& record) {
    MessageOrigin origin = core_->origin_of(place, record);
    bool strip = place.source == own_source;
    read.emplace(place, Message{origin.id,
                                {},
                                owned(record.key),
                                owned(record.value),
                                headers_of(record, strip),
                                1,
                                origin.enqueued_at});
    core_->out[place] = QueueCore::out_of(origin, record);
  });
  if (!done) co_return std::unexpected(done.error());
  handing.done();
  std::vector<Message> messages;
  for (const QueueState::Grant& grant : grants) {
    auto found = read.find(grant.place);
    if (found == read.end()) {
      lose(grant);
      continue;
    }
    Message& message = messages.emplace_back(std::move(found->second));
    message.lease = grant.lease.text();
    message.delivery = grant.lease.delivery;
    core_->tell(MessageEvent::delivered, grant.place, core_->out[grant.place], service, message.delivery);
  }
  core_->delivered.add(static_cast<int64_t>(messages.size()), core_->now());
  scan();
  co_return messages;
}

Task<Result<std::vector<LeaseResult>>> OpenQueue::ack(std::vector<std::string> leases) {
  if (core_->stopping) co_return error(ErrorCode::unavailable, "the queue is being closed");
  co_return co_await writer_->ack(std::move(leases));
}

Task<Result<std::vector<LeaseResult>>> OpenQueue::nack(Nack nack) {
  if (core_->stopping) co_return error(ErrorCode::unavailable, "the queue is being closed");
  if (nack.delay && (*nack.delay < Duration::zero() || *nack.delay > delay_max)) {
    co_return error(ErrorCode::invalid, "delay: from 0 to 366d");
  }
  constexpr size_t reason_bytes_max = 4096;
  if (nack.reason.size() > reason_bytes_max) nack.reason.resize(reason_bytes_max);
  co_return co_await writer_->nack(std::move(nack));
}

Result<std::vector<LeaseResult>> OpenQueue::extend(const std::vector<std::string>& leases,
                                                   Duration visibility) {
  if (core_->stopping) return error(ErrorCode::unavailable, "the queue is being closed");
  if (visibility <= Duration::zero() || visibility > visibility_max) {
    return error(ErrorCode::invalid, "visibility: must be above 0 and at most 7d");
  }
  std::vector<LeaseResult> results;
  for (const std::string& text : leases) {
    auto lease = Lease::parse(text);
    bool ok = lease && core_->state.extend(*lease, core_->now() + visibility);
    results.push_back({text, ok, ok ? "" : lease ? "expired" : "unknown"});
  }
  arm();
  return results;
}

}  // namespace pabal::broker
