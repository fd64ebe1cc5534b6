#pragma once

#include <memory>
#include <string>

#include "base/bytes.h"
#include "base/clock.h"
#include "runtime/file_system.h"

namespace pabal::bench {

// Overwrites 4 KiB somewhere in a file that was written once, and flushes: the least that making anything
// durable costs on this disk. Removes its file.
class FlushBaseline {
 public:
  explicit FlushBaseline(std::string path);
  ~FlushBaseline();
  FlushBaseline(const FlushBaseline&) = delete;
  FlushBaseline& operator=(const FlushBaseline&) = delete;

  [[nodiscard]] Duration sample();

 private:
  static constexpr uint64_t file_bytes = 16_MiB;
  std::string path_;
  Bytes page_;
  std::unique_ptr<runtime::File> file_;
  uint64_t position_ = 0;
};

// Seconds to write so many bytes to a new file in pieces of 1 MiB, each flushed; the file is removed.
[[nodiscard]] double seconds_to_write(const std::string& path, uint64_t bytes);

}  // namespace pabal::bench
