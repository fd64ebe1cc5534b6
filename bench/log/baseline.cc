#include "baseline.h"

#include "base/check.h"
#include "figures.h"

namespace pabal::bench {

using runtime::system_file_system;

FlushBaseline::FlushBaseline(std::string path) : path_(std::move(path)), page_(4_KiB, 7) {
  auto file = system_file_system().open(path_, runtime::OpenMode::create);
  check(file.has_value(), "cannot open {}", path_);
  file_ = std::move(*file);
  check(file_->write_at(0, Bytes(file_bytes)).has_value() && file_->flush().has_value(), "cannot write {}",
        path_);
}

FlushBaseline::~FlushBaseline() { (void)system_file_system().remove(path_); }

Duration FlushBaseline::sample() {
  Instant before = system_clock().now();
  check(file_->write_at(position_, page_).has_value() && file_->flush().has_value(), "cannot flush {}",
        path_);
  position_ = (position_ + page_.size()) % file_bytes;
  return system_clock().now() - before;
}

double seconds_to_write(const std::string& path, uint64_t bytes) {
  auto file = system_file_system().open(path, runtime::OpenMode::create);
  check(file.has_value(), "cannot open {}", path);
  Bytes piece(1_MiB, 3);
  Instant before = system_clock().now();
  for (uint64_t at = 0; at < bytes; at += piece.size()) {
    check((*file)->write_at(at, piece).has_value() && (*file)->flush().has_value(), "cannot write {}", path);
  }
  double seconds = seconds_since(before);
  (void)system_file_system().remove(path);
  return seconds;
}

}  // namespace pabal::bench
