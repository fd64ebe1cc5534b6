#pragma once

#include <memory>
#include <vector>

#include "runtime/shards.h"
#include "runtime/simulated_loop.h"

namespace pabal::runtime {

// Shards that are lanes of a simulated loop.
class SimulatedShards final : public Shards {
 public:
  SimulatedShards(SimulatedLoop& loop, size_t count) : loop_(loop) {
    for (size_t i = 0; i < count; ++i) {
      shards_.push_back(std::make_unique<SimulatedShard>(loop.add_lane(), i, loop.random().next()));
    }
  }

  [[nodiscard]] size_t count() const override { return shards_.size(); }
  [[nodiscard]] Shard& at(size_t index) override { return *shards_.at(index); }
  [[nodiscard]] const Clock& clock() const override { return loop_.clock(); }

 private:
  class SimulatedShard final : public Shard {
   public:
    SimulatedShard(SimulatedLoop::Lane& lane, size_t index, uint64_t seed)
        : lane_(lane), index_(index), random_(seed) {}
    [[nodiscard]] size_t index() const override { return index_; }
    [[nodiscard]] Executor executor() override { return lane_.executor(); }
    [[nodiscard]] Timers& timers() override { return lane_; }
    [[nodiscard]] Random& random() override { return random_; }
    [[nodiscard]] bool here() const override { return lane_.here(); }

   private:
    SimulatedLoop::Lane& lane_;
    size_t index_;
    Random random_;
  };

  SimulatedLoop& loop_;
  std::vector<std::unique_ptr<SimulatedShard>> shards_;
};

}  // namespace pabal::runtime
