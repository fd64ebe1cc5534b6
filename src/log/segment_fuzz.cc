#include "base/crc32c.h"
#include "base/fuzz.h"
#include "log/batch_layout.h"
#include "log/big_endian.h"
#include "log/segment.h"
#include "runtime/simulated_disk.h"

namespace pabal::log {
namespace {

constexpr const char* path = "/s";

// Puts the right checksum into every batch that can be one, but those with an odd leader epoch.
Bytes with_checksums(BytesView input) {
  Bytes bytes(input.begin(), input.end());
  for (size_t position = 0; position < bytes.size();) {
    std::span<uint8_t> rest = std::span(bytes).subspan(position);
    auto size = batch_size(rest);
    if (!size || *size > rest.size()) break;
    std::span<uint8_t> batch = rest.first(*size);
    bool leave_it = (load<int32_t>(batch, batch_layout::leader_epoch) & 1) != 0;
    if (!leave_it)
      store<uint32_t>(batch, batch_layout::crc, crc32c(BytesView(batch).subspan(batch_layout::attributes)));
    position += *size;
  }
  return bytes;
}

void check_read(const std::vector<SharedBytes>& batches, size_t file_bytes) {
  size_t bytes = 0;
  for (const SharedBytes& shared : batches) {
    auto batch = BatchView::parse(shared.view());
    check(batch && batch->verify() && batch->bytes().size() == shared.size(),
          "a batch was read that is none");
    bytes += shared.size();
  }
  check(bytes <= file_bytes, "{} bytes were read of {}", bytes, file_bytes);
}

}  // namespace
}  // namespace pabal::log

PABAL_FUZZ(segment) {
  using namespace pabal;
  Offset from(take_byte(input));
  size_t bytes_max = take_byte(input) * size_t{16};
  WallTime time(std::chrono::milliseconds(static_cast<int8_t>(take_byte(input))));
  int missing = static_cast<int8_t>(take_byte(input));  // the checkpoint may say less or more than is there
  Bytes bytes = log::with_checksums(input);
  runtime::SimulatedDisk disk(1);
  auto file = disk.open(log::path, runtime::OpenMode::create);
  check(file && (*file)->write_at(0, bytes), "no file");
  log::FileCache cache(disk);
  uint64_t said = static_cast<uint64_t>(std::max<int64_t>(0, static_cast<int64_t>(bytes.size()) - missing));
  log::Segment segment(log::path, {.next = Offset(1'000), .bytes = said});
  for (int turn = 0; turn < 2; ++turn) {  // the second time from the index
    if (auto read = segment.read(cache, from, bytes_max)) log::check_read(*read, bytes.size());
    auto found = segment.find_time(cache, time, from);
    check(!found || !*found || **found >= from, "a record below {} was found", from);
  }
}
