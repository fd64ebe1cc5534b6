#pragma once

#include <atomic>
#include <cstdint>
#include <limits>
#include <memory>

namespace pabal::engine {

// Commits whose order is a promise: when one fails, those that were made after it and are still under way
// fail too (`unavailable`), so that no later one stands where an earlier one is missing. A broken chain stays
// broken: go on with a new one when all of its commits have been answered.
class CommitChain {
 public:
  // A commit's place in the chain. Taken in the order in which the commits are made, by one thread.
  struct Link {
    std::shared_ptr<CommitChain> chain;
    uint64_t place = 0;

    // Any thread.
    [[nodiscard]] bool follows_a_failure() const { return chain->failed_ < place; }
    void fail() const {
      uint64_t before = chain->failed_;
      while (place < before && !chain->failed_.compare_exchange_weak(before, place)) {
      }
    }
  };
  [[nodiscard]] static Link next(const std::shared_ptr<CommitChain>& chain) {
    return {chain, ++chain->last_};
  }

 private:
  uint64_t last_ = 0;
  std::atomic<uint64_t> failed_ = std::numeric_limits<uint64_t>::max();  // the first one's place
};

}  // namespace pabal::engine
