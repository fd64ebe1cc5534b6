#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

#include "base/error.h"
#include "runtime/file_system.h"

namespace pabal::log {

// Open segment files, so that a thousand logs need few descriptors. The least recently used is closed when
// there are too many; who holds one keeps it open. Any thread that may wait for a disk.
class FileCache {
 public:
  static constexpr size_t open_files_max = 256;

  explicit FileCache(runtime::FileSystem& files, size_t open_max = open_files_max)
      : files_(files), open_max_(open_max) {}

  // For reading and writing; the file must exist.
  Result<std::shared_ptr<runtime::File>> open(const std::string& path);
  // A new, empty file.
  Result<std::shared_ptr<runtime::File>> create(const std::string& path);
  // Holds `companion` for as long as the file stays in the cache; not at all when it is not there.
  void keep(const std::string& path, std::shared_ptr<const void> companion);
  // Lets go of it, as before its removal.
  void forget(const std::string& path);

  [[nodiscard]] runtime::FileSystem& file_system() { return files_; }

 private:
  struct Entry {
    std::string path;
    std::shared_ptr<runtime::File> file;
    std::shared_ptr<const void> companion = {};  // what is worth having while the file is used
  };

  Result<std::shared_ptr<runtime::File>> open_as(const std::string& path, runtime::OpenMode mode);
  std::shared_ptr<runtime::File> find_locked(const std::string& path);

  runtime::FileSystem& files_;
  size_t open_max_;
  std::mutex mutex_;
  std::list<Entry> recent_;  // the latest used first
  std::unordered_map<std::string, std::list<Entry>::iterator> by_path_;
};

}  // namespace pabal::log
