#include "runtime/simulated_disk.h"

#include <algorithm>

#include "base/check.h"

namespace pabal::runtime {
namespace {

constexpr uint64_t sector_bytes = 512;

std::pair<std::string, std::string> split(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == std::string::npos) return {"", path};
  return {path.substr(0, slash), path.substr(slash + 1)};
}

std::vector<std::string> parts_of(const std::string& path) {
  std::vector<std::string> parts;
  size_t begin = 0;
  while (begin <= path.size()) {
    size_t end = std::min(path.find('/', begin), path.size());
    if (end > begin) parts.push_back(path.substr(begin, end - begin));
    begin = end + 1;
  }
  return parts;
}

std::unexpected<Error> missing(const std::string& path) {
  return error(ErrorCode::not_found, "{}: no such file or directory", path);
}

}  // namespace

// A file or a directory. What is seen, and what would be left after power was lost.
struct SimulatedDisk::Node {
  bool directory = false;

  // File.
  Bytes seen;
  Bytes durable;
  struct Write {  // since the last flush
    uint64_t position;
    Bytes bytes;
    uint64_t size_after;  // of the file
  };
  std::vector<Write> unflushed;
  // A flush of the whole volume failed and lost some of it in that epoch: as in the kernel, the file's own
  // next flush says so as well.
  std::optional<uint64_t> failed_in;

  // Directory.
  std::map<std::string, NodePtr> names;
  std::map<std::string, NodePtr> durable_names;
  std::map<std::string, std::vector<NodePtr>>
      unflushed_names;  // what each name has meant since; null: nothing
};

class SimulatedDisk::OpenFile final : public File {
 public:
  OpenFile(SimulatedDisk& disk, NodePtr node, std::string path)
      : disk_(disk), node_(std::move(node)), path_(std::move(path)), epoch_(disk.epoch_) {}

  Result<size_t> read_at(uint64_t position, std::span<uint8_t> out) override {
    if (auto ok = usable(); !ok) return std::unexpected(ok.error());
    if (position >= node_->seen.size()) return 0;
    size_t count = std::min<uint64_t>(out.size(), node_->seen.size() - position);
    std::copy_n(node_->seen.begin() + static_cast<ptrdiff_t>(position), count, out.begin());
    return count;
  }
  Result<void> write_at(uint64_t position, BytesView bytes) override {
    if (auto ok = usable(); !ok) return ok;
    return disk_.write(*node_, position, bytes, path_);
  }
  Result<void> write_at(uint64_t position, std::span<const BytesView> pieces) override {
    return write_at(position, joined(pieces));
  }
  Result<void> flush() override {
    if (auto ok = usable(); !ok) return ok;
    return disk_.flush(*node_, path_);
  }
  Result<uint64_t> size() override {
    if (auto ok = usable(); !ok) return std::unexpected(ok.error());
    return node_->seen.size();
  }
  Result<void> resize(uint64_t bytes) override {
    if (auto ok = usable(); !ok) return ok;
    return disk_.resize(*node_, bytes, path_);
  }
  Result<void> reserve(uint64_t bytes) override {
    if (auto ok = usable(); !ok) return ok;
    return bytes <= node_->seen.size() ? Result<void>() : disk_.resize(*node_, bytes, path_);
  }

 private:
  [[nodiscard]] Result<void> usable() const {
    if (epoch_ != disk_.epoch_)
      return error(ErrorCode::io_failed, "{}: opened before the machine stopped", path_);
    return disk_.usable(path_);
  }

  SimulatedDisk& disk_;
  NodePtr node_;
  std::string path_;
  uint64_t epoch_;
};

class SimulatedDisk::HeldLock final : public FileLock {
 public:
  HeldLock(SimulatedDisk& disk, std::string path)
      : disk_(disk), path_(std::move(path)), epoch_(disk.epoch_) {}
  ~HeldLock() override {
    if (epoch_ == disk_.epoch_) disk_.locked_.erase(path_);
  }

 private:
  SimulatedDisk& disk_;
  std::string path_;
  uint64_t epoch_;
};

SimulatedDisk::SimulatedDisk(uint64_t seed, uint64_t capacity_bytes)
    : random_(seed), capacity_bytes_(capacity_bytes), root_(std::make_shared<Node>()) {
  root_->directory = true;
}

SimulatedDisk::~SimulatedDisk() = default;

Result<void> SimulatedDisk::usable(const std::string& what) const {
  if (power_lost_) return error(ErrorCode::io_failed, "{}: the machine has no power", what);
  return {};
}

SimulatedDisk::Fate SimulatedDisk::next_fate() {
  ++changes_;
  if (power_left_ && (*power_left_)-- == 0) {
    power_left_.reset();
    power_lost_ = true;
    return Fate::power_lost;
  }
  if (failure_left_ && (*failure_left_)-- == 0) {
    failure_left_.reset();
    return Fate::failed;
  }
  return Fate::done;
}

std::unexpected<Error> SimulatedDisk::fate_error(Fate fate, const std::string& path) const {
  check(fate != Fate::done, "no error");
  return error(ErrorCode::io_failed, "{}: {}", path,
               fate == Fate::failed ? "Input/output error" : "the machine has no power");
}

SimulatedDisk::NodePtr SimulatedDisk::find(const std::string& path) const {
  NodePtr node = root_;
  for (const std::string& part : parts_of(path)) {
    if (!node->directory) return nullptr;
    auto found = node->names.find(part);
    if (found == node->names.end()) return nullptr;
    node = found->second;
  }
  return node;
}

SimulatedDisk::NodePtr SimulatedDisk::parent_of(const std::string& path) const {
  NodePtr parent = find(split(path).first);
  return parent && parent->directory ? parent : nullptr;
}

uint64_t SimulatedDisk::used_bytes() const {
  uint64_t sum = 0;
  std::set<const Node*> counted;  // a name may stand twice for one file
  std::vector<const Node*> rest{root_.get()};
  while (!rest.empty()) {
    const Node* node = rest.back();
    rest.pop_back();
    if (!counted.insert(node).second) continue;
    sum += node->seen.size();
    for (const auto& [name, child] : node->names) rest.push_back(child.get());
  }
  return sum;
}

Result<void> SimulatedDisk::write(Node& node, uint64_t position, BytesView bytes, const std::string& path) {
  Fate fate = next_fate();
  size_t whole = bytes.size();
  if (fate != Fate::done) bytes = bytes.first(random_.below(bytes.size() + 1));
  if (position + bytes.size() > node.seen.size()) {
    uint64_t used = used_bytes();
    uint64_t grows = position + bytes.size() - node.seen.size();
    if (used + grows > capacity_bytes_) {
      uint64_t room = capacity_bytes_ - std::min(capacity_bytes_, used) + node.seen.size();
      bytes = bytes.first(room > position ? std::min<uint64_t>(room - position, bytes.size() - 1) : 0);
    }
    node.seen.resize(std::max<uint64_t>(node.seen.size(), position + bytes.size()));
  }
  std::ranges::copy(bytes, node.seen.begin() + static_cast<ptrdiff_t>(position));
  node.unflushed.push_back({position, Bytes(bytes.begin(), bytes.end()), node.seen.size()});
  if (fate != Fate::done) return fate_error(fate, path);
  if (bytes.size() < whole) return error(ErrorCode::disk_full, "{}: No space left on device", path);
  return {};
}

Result<void> SimulatedDisk::resize(Node& node, uint64_t bytes, const std::string& path) {
  Fate fate = next_fate();
  if (fate == Fate::failed) return fate_error(fate, path);
  if (bytes > node.seen.size() && used_bytes() + bytes - node.seen.size() > capacity_bytes_) {
    return error(ErrorCode::disk_full, "{}: No space left on device", path);
  }
  node.seen.resize(bytes);
  node.unflushed.push_back({bytes, {}, bytes});
  if (fate != Fate::done) return fate_error(fate, path);
  return {};
}

Result<void> SimulatedDisk::flush(Node& node, const std::string& path) {
  bool owed = std::exchange(node.failed_in, std::nullopt) == epoch_;
  Fate fate = owed ? Fate::failed : next_fate();
  if (fate == Fate::failed) forget_unflushed(node);
  if (fate != Fate::done) return fate_error(fate, path);
  make_durable(node);
  return {};
}

// Only what was written since the last flush: what a failed one forgot stays forgotten.
void SimulatedDisk::make_durable(Node& node) {
  for (const Node::Write& write : node.unflushed) {
    node.durable.resize(std::max<uint64_t>(write.size_after, write.position + write.bytes.size()));
    std::ranges::copy(write.bytes, node.durable.begin() + static_cast<ptrdiff_t>(write.position));
  }
  node.durable.resize(node.seen.size());
  node.unflushed.clear();
}

// A failed flush: some of it has arrived, the rest never will, and nobody can tell.
void SimulatedDisk::forget_unflushed(Node& node) {
  Bytes seen = node.seen;
  settle_file(node);
  node.seen = std::move(seen);
}

// Leaves in `durable` (and `seen`) one of the states that a power loss may leave.
void SimulatedDisk::settle_file(Node& node) {
  enum Mode { nothing, everything, prefix, suffix, sectors, lengths, modes };
  auto mode = static_cast<Mode>(random_.below(modes));
  size_t count = node.unflushed.size();
  size_t bound = count == 0 ? 0 : random_.below(count + 1);
  for (size_t i = 0; i < count; ++i) {
    const Node::Write& write = node.unflushed[i];
    bool whole = mode == everything || (mode == prefix && i < bound) || (mode == suffix && i >= bound);
    bool torn = mode == sectors || (mode == prefix && i == bound);
    if (!whole && !torn && mode != lengths) continue;
    if (write.bytes.empty() || mode == lengths || random_.chance(0.9)) node.durable.resize(write.size_after);
    for (uint64_t at = 0; mode != lengths && at < write.bytes.size(); at += sector_bytes) {
      if (torn && random_.chance(0.5)) continue;
      uint64_t piece = std::min<uint64_t>(sector_bytes, write.bytes.size() - at);
      if (torn && random_.chance(0.05)) piece = random_.below(piece + 1);
      node.durable.resize(std::max<uint64_t>(node.durable.size(), write.position + at + piece));
      std::copy_n(write.bytes.begin() + static_cast<ptrdiff_t>(at), piece,
                  node.durable.begin() + static_cast<ptrdiff_t>(write.position + at));
    }
  }
  node.unflushed.clear();
  node.seen = node.durable;
}

void SimulatedDisk::settle_tree(Node& directory) {
  for (auto& [name, meanings] : directory.unflushed_names) {
    auto before = directory.durable_names.find(name);
    meanings.push_back(before == directory.durable_names.end() ? nullptr : before->second);
    NodePtr chosen = meanings[random_.below(meanings.size())];
    if (chosen) {
      directory.durable_names[name] = chosen;
    } else {
      directory.durable_names.erase(name);
    }
  }
  directory.unflushed_names.clear();
  directory.names = directory.durable_names;
}

void SimulatedDisk::restart_after_power_loss() {
  std::set<Node*> settled;
  std::vector<NodePtr> rest{root_};
  while (!rest.empty()) {
    NodePtr node = rest.back();
    rest.pop_back();
    if (!settled.insert(node.get()).second) continue;
    if (node->directory) {
      settle_tree(*node);
    } else {
      settle_file(*node);
    }
    for (const auto& [name, child] : node->names) rest.push_back(child);
  }
  restart_after_kill();
}

void SimulatedDisk::restart_after_kill() {
  ++epoch_;
  locked_.clear();
  power_left_.reset();
  failure_left_.reset();
  power_lost_ = false;
}

void SimulatedDisk::flip_bit(const std::string& path, uint64_t byte) {
  NodePtr node = find(path);
  check(node && byte < node->seen.size() && byte < node->durable.size(), "no byte {} in {}", byte, path);
  auto bit = static_cast<uint8_t>(1u << random_.below(8));
  node->seen[byte] ^= bit;
  node->durable[byte] ^= bit;
}

Result<std::unique_ptr<File>> SimulatedDisk::open(const std::string& path, OpenMode mode) {
  if (auto ok = usable(path); !ok) return std::unexpected(ok.error());
  NodePtr node = find(path);
  if (!node && mode == OpenMode::create) {
    NodePtr parent = parent_of(path);
    if (!parent) return missing(path);
    if (Fate fate = next_fate(); fate != Fate::done) return fate_error(fate, path);
    node = std::make_shared<Node>();
    parent->names[split(path).second] = node;
    parent->unflushed_names[split(path).second].push_back(node);
  }
  if (!node) return missing(path);
  if (node->directory) return error(ErrorCode::io_failed, "{}: Is a directory", path);
  return std::make_unique<OpenFile>(*this, node, path);
}

Result<bool> SimulatedDisk::exists(const std::string& path) {
  if (auto ok = usable(path); !ok) return std::unexpected(ok.error());
  return find(path) != nullptr;
}

// It has no links.
Result<std::string> SimulatedDisk::resolve(const std::string& path) {
  std::string resolved;
  for (const std::string& part : parts_of(path)) resolved += "/" + part;
  return resolved;
}

Result<std::vector<std::string>> SimulatedDisk::list(const std::string& directory) {
  if (auto ok = usable(directory); !ok) return std::unexpected(ok.error());
  NodePtr node = find(directory);
  if (!node) return missing(directory);
  std::vector<std::string> names;
  for (const auto& [name, child] : node->names) names.push_back(name);
  return names;
}

Result<void> SimulatedDisk::make_directories(const std::string& path) {
  if (auto ok = usable(path); !ok) return ok;
  NodePtr node = root_;
  for (const std::string& part : parts_of(path)) {
    NodePtr& child = node->names[part];
    if (!child) {
      if (Fate fate = next_fate(); fate != Fate::done) {
        node->names.erase(part);
        return fate_error(fate, path);
      }
      child = std::make_shared<Node>();
      child->directory = true;
      node->unflushed_names[part].push_back(child);
    }
    node = child;
    if (!node->directory) return error(ErrorCode::io_failed, "{}: Not a directory", path);
  }
  return {};
}

Result<void> SimulatedDisk::remove(const std::string& path) {
  if (auto ok = usable(path); !ok) return ok;
  if (!find(path)) return missing(path);
  if (Fate fate = next_fate(); fate != Fate::done) return fate_error(fate, path);
  NodePtr parent = parent_of(path);
  parent->names.erase(split(path).second);
  parent->unflushed_names[split(path).second].push_back(nullptr);
  return {};
}

Result<void> SimulatedDisk::remove_all(const std::string& path) {
  if (auto ok = usable(path); !ok) return ok;
  return find(path) ? remove(path) : Result<void>();
}

Result<void> SimulatedDisk::rename(const std::string& from, const std::string& to) {
  if (auto ok = usable(from); !ok) return ok;
  NodePtr node = find(from);
  NodePtr target = parent_of(to);
  if (!node || !target) return missing(from);
  if (Fate fate = next_fate(); fate != Fate::done) return fate_error(fate, from);
  NodePtr source = parent_of(from);
  source->names.erase(split(from).second);
  source->unflushed_names[split(from).second].push_back(nullptr);
  target->names[split(to).second] = node;
  target->unflushed_names[split(to).second].push_back(node);
  return {};
}

Result<void> SimulatedDisk::flush_directory(const std::string& path) {
  if (auto ok = usable(path); !ok) return ok;
  NodePtr node = find(path.empty() ? "/" : path);
  if (!node || !node->directory) return missing(path);
  if (Fate fate = next_fate(); fate != Fate::done) return fate_error(fate, path);
  node->durable_names = node->names;
  node->unflushed_names.clear();
  return {};
}

// The disk as one volume.
class SimulatedDisk::Whole final : public Volume {
 public:
  explicit Whole(SimulatedDisk& disk) : disk_(disk) {}
  Result<void> flush() override { return disk_.flush_everything(); }

 private:
  SimulatedDisk& disk_;
};

Result<std::unique_ptr<Volume>> SimulatedDisk::open_volume(const std::string& path) {
  if (auto ok = usable(path); !ok) return std::unexpected(ok.error());
  return std::make_unique<Whole>(*this);
}

Result<void> SimulatedDisk::flush_everything() {
  if (auto ok = usable("/"); !ok) return ok;
  Fate fate = next_fate();
  std::vector<NodePtr> rest{root_};
  while (fate != Fate::power_lost && !rest.empty()) {
    NodePtr node = rest.back();
    rest.pop_back();
    if (fate == Fate::failed && !node->unflushed.empty()) {
      forget_unflushed(*node);
      node->failed_in = epoch_;
    } else if (fate == Fate::done) {
      make_durable(*node);
      node->durable_names = node->names;
      node->unflushed_names.clear();
    }
    for (const auto& [name, child] : node->names) rest.push_back(child);
  }
  return fate == Fate::done ? Result<void>() : fate_error(fate, "/");
}

Result<FileSystem::Space> SimulatedDisk::space(const std::string& path) {
  if (auto ok = usable(path); !ok) return std::unexpected(ok.error());
  uint64_t used = used_bytes();
  return Space{capacity_bytes_, capacity_bytes_ - std::min(capacity_bytes_, used)};
}

Result<std::unique_ptr<FileLock>> SimulatedDisk::lock(const std::string& path) {
  if (auto file = open(path, OpenMode::create); !file) return std::unexpected(file.error());
  if (!locked_.insert(path).second) return error(ErrorCode::conflict, "{} is held by another process", path);
  return std::make_unique<HeldLock>(*this, path);
}

}  // namespace pabal::runtime
