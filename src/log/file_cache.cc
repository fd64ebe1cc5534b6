#include "log/file_cache.h"

namespace pabal::log {

Result<std::shared_ptr<runtime::File>> FileCache::open(const std::string& path) {
  return open_as(path, runtime::OpenMode::write);
}

Result<std::shared_ptr<runtime::File>> FileCache::create(const std::string& path) {
  forget(path);
  auto file = open_as(path, runtime::OpenMode::create);
  if (!file) return file;
  if (auto done = (*file)->resize(0); !done) return std::unexpected(done.error());
  return file;
}

std::shared_ptr<runtime::File> FileCache::find_locked(const std::string& path) {
  auto found = by_path_.find(path);
  if (found == by_path_.end()) return nullptr;
  recent_.splice(recent_.begin(), recent_, found->second);
  return found->second->file;
}

Result<std::shared_ptr<runtime::File>> FileCache::open_as(const std::string& path, runtime::OpenMode mode) {
  {
    std::lock_guard lock(mutex_);
    if (auto file = find_locked(path)) return file;
  }
  auto opened = files_.open(path, mode);  // without the lock: it may take long
  if (!opened) return std::unexpected(opened.error());
  std::shared_ptr<runtime::File> file = std::move(*opened);
  Entry closed_after_unlock;
  std::lock_guard lock(mutex_);
  if (auto other = find_locked(path)) return other;
  recent_.push_front({path, file});
  by_path_[path] = recent_.begin();
  if (recent_.size() > open_max_) {
    closed_after_unlock = std::move(recent_.back());
    by_path_.erase(closed_after_unlock.path);
    recent_.pop_back();
  }
  return file;
}

void FileCache::keep(const std::string& path, std::shared_ptr<const void> companion) {
  std::lock_guard lock(mutex_);
  auto found = by_path_.find(path);
  if (found != by_path_.end()) found->second->companion.swap(companion);
}

void FileCache::forget(const std::string& path) {
  std::lock_guard lock(mutex_);
  auto found = by_path_.find(path);
  if (found == by_path_.end()) return;
  recent_.erase(found->second);
  by_path_.erase(found);
}

}  // namespace pabal::log
