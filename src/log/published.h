#pragma once

#include <atomic>
#include <memory>
#include <utility>

namespace pabal::log {

// An immutable value that many threads read while another is put in its place. A reader takes a reference;
// what it holds stays as it is. The flag is held for a pointer copy only, never while somebody waits.
template <class T>
class Published {
 public:
  using Pointer = std::shared_ptr<const T>;

  explicit Published(Pointer value = std::make_shared<const T>()) : value_(std::move(value)) {}

  [[nodiscard]] Pointer get() const {
    Hold hold(busy_);
    return value_;
  }
  void set(Pointer value) {
    Hold hold(busy_);
    std::swap(value_, value);
  }  // the old value dies after the flag is down

  // Replaces the value by change(value); callers may race.
  template <class F>
  void update(F change) {
    for (Pointer before = get();;) {
      Pointer after = std::make_shared<const T>(change(*before));
      Hold hold(busy_);
      if (value_ == before) {
        std::swap(value_, after);
        return;
      }
      before = value_;
    }
  }

 private:
  class Hold {
   public:
    explicit Hold(std::atomic_flag& flag) : flag_(flag) {
      while (flag_.test_and_set(std::memory_order_acquire)) {
      }
    }
    ~Hold() { flag_.clear(std::memory_order_release); }
    Hold(const Hold&) = delete;
    Hold& operator=(const Hold&) = delete;

   private:
    std::atomic_flag& flag_;
  };

  mutable std::atomic_flag busy_;
  Pointer value_;
};

}  // namespace pabal::log
