#include "base/crc32c.h"
#include "base/fuzz.h"
#include "log/big_endian.h"
#include "log/segment_index.h"

namespace pabal::log {
namespace {

constexpr size_t crc_at = 8;
constexpr size_t checked_from = 12;

// So that the entries behind the checksum are reached at all.
Bytes with_checksum(BytesView input) {
  Bytes bytes(input.begin(), input.end());
  if (bytes.size() >= checked_from)
    store<uint32_t>(bytes, crc_at, crc32c(BytesView(bytes).subspan(checked_from)));
  return bytes;
}

}  // namespace
}  // namespace pabal::log

PABAL_FUZZ(segment_index) {
  using namespace pabal;
  log::IndexedSegment segment{.base = Offset(take_byte(input)), .bytes = uint64_t{take_byte(input)} << 24};
  Bytes bytes = log::with_checksum(input);
  auto index = log::SegmentIndex::decode(bytes, segment, 1);
  if (!index) return;
  check(index->encode(segment.base, segment.generation) == bytes, "one index is written in two ways");
  check(index->bytes() <= segment.bytes, "it speaks for {} bytes of {}", index->bytes(), segment.bytes);
  for (int64_t at : {-1, 0, 1, 1000}) {
    auto by_offset = index->last_at_or_below(Offset(at));
    auto by_time = index->last_before(WallTime(std::chrono::milliseconds(at)));
    check(!by_offset || by_offset->position < index->bytes(), "a place outside of the file");
    check(!by_time || by_time->position < index->bytes(), "a place outside of the file");
  }
}
