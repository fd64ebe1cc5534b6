#pragma once

#include <memory>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/error.h"

namespace pabal::runtime {

// An open file. Calls block: they belong on an I/O thread, never on a shard's. Several threads may read while
// one writes; who writes is for the owner to arrange.
class File {
 public:
  virtual ~File() = default;

  // Fills as much of `out` as the file holds from `position`; short only at the end of the file.
  virtual Result<size_t> read_at(uint64_t position, std::span<uint8_t> out) = 0;
  // All of `bytes` or an error; after an error any part may have been written.
  virtual Result<void> write_at(uint64_t position, BytesView bytes) = 0;
  // The same of bytes that lie in several places, without copying them together.
  virtual Result<void> write_at(uint64_t position, std::span<const BytesView> pieces) = 0;
  // fdatasync: what was written before is durable after success. After a failure nothing written since the
  // last success may be trusted, and a second call proves nothing.
  virtual Result<void> flush() = 0;
  virtual Result<uint64_t> size() = 0;
  // Cuts or extends with zeros.
  virtual Result<void> resize(uint64_t bytes) = 0;
  // Makes sure that `bytes` from the start can be overwritten without allocating (fallocate).
  virtual Result<void> reserve(uint64_t bytes) = 0;
};

enum class OpenMode { read, write, create };  // write and create may also read; create makes it when missing

// A whole file system. Calls block.
class Volume {
 public:
  virtual ~Volume() = default;

  // Makes every byte and every name on it durable, in one wait instead of one for each file. Fails when
  // anything that was written since this was opened did not arrive; a failure counts as one of File::flush().
  // unsupported: this system's kernel would not tell (Linux before 5.8), so each file has to be flushed.
  virtual Result<void> flush() = 0;
};

// What is locked stays so until this is destroyed or the process ends.
class FileLock {
 public:
  virtual ~FileLock() = default;
};

// Where files live: the system's, or the simulator's hostile disk. Safe from any thread; calls block. Paths
// are plain strings with '/'.
class FileSystem {
 public:
  virtual ~FileSystem() = default;

  virtual Result<std::unique_ptr<File>> open(const std::string& path, OpenMode mode) = 0;
  virtual Result<bool> exists(const std::string& path) = 0;
  // The same place from the root on, without links, "." and ".."; what does not exist stays as it is written.
  virtual Result<std::string> resolve(const std::string& path) = 0;
  // The names in a directory, sorted, without "." and "..".
  virtual Result<std::vector<std::string>> list(const std::string& directory) = 0;
  virtual Result<void> make_directories(const std::string& path) = 0;
  virtual Result<void> remove(const std::string& path) = 0;
  virtual Result<void> remove_all(const std::string& path) = 0;
  // Replaces `to` atomically; durable after flush_directory of its parent.
  virtual Result<void> rename(const std::string& from, const std::string& to) = 0;
  // Makes the names in a directory durable.
  virtual Result<void> flush_directory(const std::string& path) = 0;
  // The whole that `path` lies on, to flush it at once.
  virtual Result<std::unique_ptr<Volume>> open_volume(const std::string& path) = 0;
  struct Space {
    uint64_t total_bytes;
    uint64_t free_bytes;  // for this process
  };
  virtual Result<Space> space(const std::string& path) = 0;
  // An exclusive lock on a file that is made when missing; conflict, with the holder's process id, when it is
  // held. The file then says who holds it.
  virtual Result<std::unique_ptr<FileLock>> lock(const std::string& path) = 0;
};

// The operating system's. Lives for ever.
FileSystem& system_file_system();

}  // namespace pabal::runtime
