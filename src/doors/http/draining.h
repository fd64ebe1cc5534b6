#pragma once

#include <atomic>
#include <cstddef>

namespace pabal::doors {

// How many calls are under way, and how many of them only wait for something to happen. Lets a stopping
// server finish its work first and end the waiting after. From any shard.
class Draining {
 public:
  // From now on new calls are refused.
  void begin() { begun_ = true; }
  [[nodiscard]] bool begun() const { return begun_; }
  // Calls under way that do work.
  [[nodiscard]] ptrdiff_t working() const { return working_; }

  // Counts a call while it lives.
  class Working {
   public:
    explicit Working(Draining& draining) : draining_(draining) { ++draining_.working_; }
    ~Working() { --draining_.working_; }
    Working(const Working&) = delete;
    Working& operator=(const Working&) = delete;

   private:
    Draining& draining_;
  };
  // Takes a call out of the count while it waits.
  class Waiting {
   public:
    explicit Waiting(Draining& draining) : draining_(draining) { --draining_.working_; }
    ~Waiting() { ++draining_.working_; }
    Waiting(const Waiting&) = delete;
    Waiting& operator=(const Waiting&) = delete;

   private:
    Draining& draining_;
  };

 private:
  std::atomic<bool> begun_ = false;
  std::atomic<ptrdiff_t> working_ = 0;
};

}  // namespace pabal::doors
