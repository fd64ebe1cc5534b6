#pragma once

#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/random.h"
#include "runtime/file_system.h"

namespace pabal::runtime {

// A disk that keeps its promises and not a bit more. What was written is visible at once, but only a flush
// makes it durable. When power is lost, each file keeps any part of what was written since its last flush:
// none, a prefix, a suffix, torn pieces, or a length without its bytes; and a directory that was not flushed
// keeps or loses each new name, removal and rename. After a flush that failed, what was written before it
// looks right until power is lost, and no later flush makes it durable. The seed decides.
//
// One thread. Faults are asked for from outside and count down over calls that change the disk.
class SimulatedDisk final : public FileSystem {
 public:
  explicit SimulatedDisk(uint64_t seed, uint64_t capacity_bytes = uint64_t{1} << 40);
  ~SimulatedDisk() override;

  // Faults.

  // Power fails in the middle of the n-th change from now (0 is the next). From then on every call fails.
  void lose_power_after(uint64_t changes) { power_left_ = changes; }
  // The n-th change or flush from now fails with an I/O error.
  void fail_after(uint64_t changes) { failure_left_ = changes; }
  void lose_power_never() { power_left_.reset(); }
  void fail_never() { failure_left_.reset(); }
  // Writes that need more space than there is fail half done.
  void set_capacity(uint64_t bytes) { capacity_bytes_ = bytes; }
  // Leaves room for so many bytes more.
  void fill_up(uint64_t bytes_left) { capacity_bytes_ = used_bytes() + bytes_left; }
  [[nodiscard]] bool power_lost() const { return power_lost_; }
  [[nodiscard]] uint64_t changes() const { return changes_; }

  // The machine starts again after power was lost: only what is durable is left, and some of the rest.
  void restart_after_power_loss();
  // The process was killed, the machine goes on: everything is as it was seen. Locks are free.
  void restart_after_kill();
  // Turns one bit of a durable file around.
  void flip_bit(const std::string& path, uint64_t byte);

  // FileSystem.
  Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) override;
  Result<bool> exists(const std::string& path) override;
  Result<std::string> resolve(const std::string& path) override;
  Result<std::vector<std::string>> list(const std::string& directory) override;
  Result<void> make_directories(const std::string& path) override;
  Result<void> remove(const std::string& path) override;
  Result<void> remove_all(const std::string& path) override;
  Result<void> rename(const std::string& from, const std::string& to) override;
  Result<void> flush_directory(const std::string& path) override;
  Result<std::unique_ptr<Volume>> open_volume(const std::string& path) override;
  Result<Space> space(const std::string& path) override;
  Result<std::unique_ptr<FileLock>> lock(const std::string& path) override;

 private:
  struct Node;
  class OpenFile;
  class HeldLock;
  class Whole;
  using NodePtr = std::shared_ptr<Node>;

  Result<void> usable(const std::string& what) const;
  // Counts a change; says whether it happens, happens in part (power goes), or fails.
  enum class Fate { done, failed, power_lost };
  Fate next_fate();
  [[nodiscard]] std::unexpected<Error> fate_error(Fate fate, const std::string& path) const;
  [[nodiscard]] NodePtr find(const std::string& path) const;
  [[nodiscard]] NodePtr parent_of(const std::string& path) const;
  [[nodiscard]] uint64_t used_bytes() const;

  Result<void> write(Node& node, uint64_t position, BytesView bytes, const std::string& path);
  Result<void> resize(Node& node, uint64_t bytes, const std::string& path);
  Result<void> flush(Node& node, const std::string& path);
  Result<void> flush_everything();
  static void make_durable(Node& node);
  void settle_file(Node& node);  // decides what of the unflushed is left
  void settle_tree(Node& directory);
  void forget_unflushed(Node& node);

  Random random_;
  uint64_t capacity_bytes_;
  NodePtr root_;
  std::set<std::string> locked_;
  uint64_t epoch_ = 0;  // open files of an earlier one are dead
  std::optional<uint64_t> power_left_;
  std::optional<uint64_t> failure_left_;
  uint64_t changes_ = 0;
  bool power_lost_ = false;
};

}  // namespace pabal::runtime
