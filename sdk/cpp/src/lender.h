#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <vector>

namespace pabal::sdk {

// Things of which one thread at a time may use one (connections), lent to whoever needs one now.
template <class T>
class Lender {
 public:
  explicit Lender(std::function<std::unique_ptr<T>()> make) : make_(std::move(make)) {}

  // Gives it back when it is destroyed.
  class Lent {
   public:
    Lent(Lender& lender, std::unique_ptr<T> thing) : lender_(lender), thing_(std::move(thing)) {}
    ~Lent() { lender_.give_back(std::move(thing_)); }
    Lent(const Lent&) = delete;
    Lent& operator=(const Lent&) = delete;
    T* operator->() { return thing_.get(); }

   private:
    Lender& lender_;
    std::unique_ptr<T> thing_;
  };

  Lent lend() {
    {
      std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<T> thing = std::move(idle_.back());
        idle_.pop_back();
        return Lent(*this, std::move(thing));
      }
    }
    return Lent(*this, make_());
  }

 private:
  void give_back(std::unique_ptr<T> thing) {
    std::lock_guard lock(mutex_);
    idle_.push_back(std::move(thing));
  }

  std::function<std::unique_ptr<T>()> make_;
  std::mutex mutex_;  // of idle_
  std::vector<std::unique_ptr<T>> idle_;
};

}  // namespace pabal::sdk
