#include "broker/consumers.h"

#include <algorithm>

namespace pabal::broker {

Consumers::Consumer* Consumers::find(uint32_t number) {
  auto it = consumers_.find(number);
  return it == consumers_.end() ? nullptr : &it->second;
}

Consumers::Arrival Consumers::arrive(const std::string& service, const std::string& via, Instant now,
                                     WallTime wall_now) {
  auto known = numbers_.find(service);
  if (known != numbers_.end()) {
    Consumer& consumer = consumers_.at(known->second);
    consumer.last_active = now;
    consumer.last_seen = wall_now;
    consumer.via = via;
    return {known->second, !std::exchange(consumer.here, true)};
  }
  if (consumers_.size() >= consumers_max) {
    auto idle = std::ranges::find_if(consumers_, [](const auto& c) { return !c.second.here; });
    if (idle == consumers_.end()) idle = consumers_.begin();  // counted no more
    numbers_.erase(idle->second.service);
    consumers_.erase(idle);
  }
  uint32_t number = ++last_number_;
  numbers_.emplace(service, number);
  consumers_.emplace(number, Consumer{service, via, wall_now, now});
  return {number, true};
}

void Consumers::begin_poll(uint32_t number) {
  if (Consumer* consumer = find(number)) ++consumer->polls;
}

void Consumers::end_poll(uint32_t number, Instant now, WallTime wall_now) {
  Consumer* consumer = find(number);
  if (!consumer) return;
  --consumer->polls;
  consumer->last_active = now;
  consumer->last_seen = wall_now;
}

void Consumers::add_leases(uint32_t number, int64_t count, Instant now) {
  Consumer* consumer = find(number);
  if (!consumer) return;
  consumer->leases += count;
  consumer->last_active = now;
}

void Consumers::set_leases(const std::map<uint32_t, int64_t>& leases) {
  for (auto& [number, consumer] : consumers_) {
    auto found = leases.find(number);
    consumer.leases = found == leases.end() ? 0 : found->second;
  }
}

int64_t Consumers::leases_left(uint32_t number) const {
  auto it = consumers_.find(number);
  return it == consumers_.end() ? leases_of_one_max : leases_of_one_max - it->second.leases;
}

std::string_view Consumers::name(uint32_t number) const {
  auto it = consumers_.find(number);
  return it == consumers_.end() ? std::string_view() : std::string_view(it->second.service);
}

std::vector<std::string> Consumers::left(Instant now) {
  std::vector<std::string> names;
  for (auto it = consumers_.begin(); it != consumers_.end();) {
    Consumer& consumer = it->second;
    if (consumer.here && consumer.idle() && now - consumer.last_active >= patience) {
      consumer.here = false;
      names.push_back(consumer.service);
    }
    if (!consumer.here && now - consumer.last_active >= patience + remembered) {
      numbers_.erase(consumer.service);
      it = consumers_.erase(it);
    } else {
      ++it;
    }
  }
  return names;
}

std::optional<Instant> Consumers::next_check() const {
  std::optional<Instant> next;
  for (const auto& [number, consumer] : consumers_) {
    if (!consumer.here || !consumer.idle()) continue;
    Instant at = consumer.last_active + patience;
    next = next ? std::min(*next, at) : at;
  }
  return next;
}

bool Consumers::anyone() const {
  return std::ranges::any_of(consumers_, [](const auto& c) { return c.second.here; });
}

std::vector<ConsumerInfo> Consumers::infos(WallTime wall_now) const {
  std::vector<ConsumerInfo> all;
  for (const auto& [number, consumer] : consumers_) {
    if (!consumer.here && wall_now - consumer.last_seen > remembered) continue;
    all.push_back({consumer.service, consumer.via, consumer.polls > 0 ? wall_now : consumer.last_seen,
                   std::max<int64_t>(0, consumer.leases), consumer.polls > 0, consumer.here});
  }
  return all;
}

}  // namespace pabal::broker
