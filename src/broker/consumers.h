#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock.h"
#include "broker/queue.h"

namespace pabal::broker {

// Who consumes a queue. A consumer is there while it asks or holds a lease, and for `patience` after:
// services that poll have pauses. Bounded. One shard.
class Consumers {
 public:
  static constexpr Duration patience = std::chrono::seconds(10);
  static constexpr Duration remembered = std::chrono::minutes(1);
  static constexpr size_t consumers_max = 10'000;
  static constexpr int64_t leases_of_one_max = 10'000;

  // The number of the consumer with this name; it is there now.
  struct Arrival {
    uint32_t number;
    bool joined;  // it was not there before
  };
  Arrival arrive(const std::string& service, const std::string& via, Instant now, WallTime wall_now);
  void begin_poll(uint32_t number);
  void end_poll(uint32_t number, Instant now, WallTime wall_now);
  void add_leases(uint32_t number, int64_t count, Instant now);
  // Counted anew: those who are not named hold none.
  void set_leases(const std::map<uint32_t, int64_t>& leases);
  [[nodiscard]] int64_t leases_left(uint32_t number) const;
  [[nodiscard]] std::string_view name(uint32_t number) const;

  // Those that have left, each told once. Forgets the long gone.
  std::vector<std::string> left(Instant now);
  [[nodiscard]] std::optional<Instant> next_check() const;
  [[nodiscard]] bool anyone() const;
  [[nodiscard]] std::vector<ConsumerInfo> infos(WallTime wall_now) const;

 private:
  struct Consumer {
    std::string service;
    std::string via;
    WallTime last_seen;
    Instant last_active;
    int polls = 0;
    int64_t leases = 0;
    bool here = true;
    [[nodiscard]] bool idle() const { return polls == 0 && leases <= 0; }
  };
  Consumer* find(uint32_t number);

  std::map<uint32_t, Consumer> consumers_;
  std::map<std::string, uint32_t> numbers_;
  uint32_t last_number_ = 0;
};

}  // namespace pabal::broker
