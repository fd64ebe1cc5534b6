#include "base/crc32c.h"
#include "base/fuzz.h"
#include "log/big_endian.h"
#include "log/checkpoint.h"

namespace pabal::log {
namespace {

constexpr size_t crc_at = 8;
constexpr size_t body_bytes_at = 12;
constexpr size_t header_bytes = 20;

// So that the fields behind the checksum are reached at all.
Bytes with_checksum(BytesView input) {
  Bytes bytes(input.begin(), input.end());
  if (bytes.size() < header_bytes) return bytes;
  store<uint64_t>(bytes, body_bytes_at, bytes.size() - header_bytes);
  store<uint32_t>(bytes, crc_at, crc32c(BytesView(bytes).subspan(body_bytes_at)));
  return bytes;
}

}  // namespace
}  // namespace pabal::log

PABAL_FUZZ(checkpoint) {
  using namespace pabal;
  static_cast<void>(log::decode_checkpoint(input));
  Bytes bytes = log::with_checksum(input);
  auto checkpoint = log::decode_checkpoint(bytes);
  if (!checkpoint) return;
  Bytes written = log::encode_checkpoint(*checkpoint);
  auto again = log::decode_checkpoint(written);
  check(again && *again == *checkpoint, "a checkpoint of {} bytes came back changed", bytes.size());
  check(log::encode_checkpoint(*again) == written, "one checkpoint is written in two ways");
}
