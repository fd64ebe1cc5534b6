#pragma once

#include <atomic>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <utility>

namespace pabal::doors {

// How many bytes of one kind all connections together may hold. Who finds no room waits in line: first come,
// first served, so that small requests do not overtake a large one for ever; claim() is for what is too small
// to wait. What is larger than all the room gets it when nothing else is held. Any thread; outlives its
// claims and turns. Connections of all shards share one: its mutex is held for a few lines, once or twice a
// request.
class ByteRoom {
 public:
  explicit ByteRoom(size_t bytes_max) : bytes_max_(bytes_max) {}
  ByteRoom(const ByteRoom&) = delete;
  ByteRoom& operator=(const ByteRoom&) = delete;

  // Bytes that are held as long as it lives.
  class Claim {
   public:
    Claim() = default;  // of nothing
    Claim(Claim&& other) noexcept
        : room_(std::exchange(other.room_, nullptr)), bytes_(std::exchange(other.bytes_, 0)) {}
    Claim& operator=(Claim&& other) noexcept {
      std::swap(room_, other.room_);
      std::swap(bytes_, other.bytes_);
      return *this;
    }
    ~Claim() { release(); }
    void release() {
      if (room_ != nullptr) std::exchange(room_, nullptr)->give_back(bytes_);
    }

   private:
    friend class ByteRoom;
    Claim(ByteRoom& room, size_t bytes) : room_(&room), bytes_(bytes) {}
    ByteRoom* room_ = nullptr;
    size_t bytes_ = 0;
  };

  // A place in the line; it is left, and room that came unused is given back, when this is destroyed.
  class Turn {
   public:
    // `came` is called once, by whoever made room, on its thread and under the mutex: it posts, and no more.
    Turn(ByteRoom& room, size_t bytes, std::function<void()> came);
    ~Turn();
    Turn(const Turn&) = delete;
    Turn& operator=(const Turn&) = delete;
    // The room, once it has come.
    [[nodiscard]] std::optional<Claim> take();

   private:
    friend class ByteRoom;
    ByteRoom& room_;
    const size_t bytes_;
    const std::function<void()> came_;
    bool waits_ = true;  // under the mutex, as the next
    bool has_ = false;
  };

  // Room that is there now, if nobody waits for it.
  [[nodiscard]] std::optional<Claim> try_claim(size_t bytes);
  // Whether there is room or not: for what is too small to wait.
  [[nodiscard]] Claim claim(size_t bytes);
  [[nodiscard]] size_t bytes() const { return bytes_; }

 private:
  [[nodiscard]] bool fits(size_t bytes) const { return bytes_ == 0 || bytes_ + bytes <= bytes_max_; }
  void give_back(size_t bytes);
  void let_in();

  const size_t bytes_max_;
  std::mutex mutex_;
  std::atomic<size_t> bytes_ = 0;  // changes under the mutex
  std::list<Turn*> line_;
};

}  // namespace pabal::doors
