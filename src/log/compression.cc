#include "log/compression.h"

#include <algorithm>
#include <lz4frame.h>
#include <memory>
#include <optional>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include "log/big_endian.h"

namespace pabal::log {
namespace {

constexpr size_t first_output_bytes = 64_KiB;

std::unexpected<Error> broken(Compression compression) {
  return error(ErrorCode::corrupt, "what should be {} is not", name_of(compression));
}

std::unexpected<Error> too_large(Compression compression, size_t bytes_max) {
  return error(ErrorCode::too_large, "records compressed with {} are more than {} bytes",
               name_of(compression), bytes_max);
}

// Output that grows as it fills, up to a limit.
class Output {
 public:
  Output(size_t expected, size_t bytes_max)
      : max_(bytes_max), bytes_(std::min(std::max(expected, first_output_bytes), bytes_max)) {}

  [[nodiscard]] uint8_t* free() { return bytes_.data() + used_; }
  [[nodiscard]] size_t free_bytes() const { return bytes_.size() - used_; }
  void use(size_t count) { used_ += count; }
  // Makes room when there is none; false at the limit.
  [[nodiscard]] bool make_room() {
    if (free_bytes() > 0) return true;
    if (bytes_.size() == max_) return false;
    bytes_.resize(std::min(max_, 2 * bytes_.size()));
    return true;
  }
  [[nodiscard]] Bytes finish() {
    bytes_.resize(used_);
    return std::move(bytes_);
  }

 private:
  size_t max_;
  Bytes bytes_;
  size_t used_ = 0;
};

// Feeds `step(output)` until it says that the end was reached. Without progress the input is broken.
template <class Step>
Result<Bytes> fill(Compression compression, size_t expected, size_t bytes_max, Step step) {
  Output out(expected, bytes_max);
  bool done = false;
  while (!done) {
    bool room = out.make_room();
    uint8_t nothing;  // at the limit: whether more would come
    size_t had = room ? out.free_bytes() : 1;
    auto made = step(room ? out.free() : &nothing, had, done);
    if (!made) return broken(compression);
    if (!room && *made > 0) return too_large(compression, bytes_max);
    if (room) out.use(*made);
  }
  return out.finish();
}

Result<Bytes> ungzip(BytesView bytes, size_t bytes_max) {
  z_stream stream{};
  constexpr int window_bits_with_gzip_head = 15 + 16;
  if (inflateInit2(&stream, window_bits_with_gzip_head) != Z_OK) return broken(Compression::gzip);
  std::unique_ptr<z_stream, void (*)(z_stream*)> end(&stream, [](z_stream* s) { inflateEnd(s); });
  stream.next_in = const_cast<uint8_t*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  return fill(Compression::gzip, 2 * bytes.size(), bytes_max,
              [&](uint8_t* to, size_t room, bool& done) -> std::optional<size_t> {
                stream.next_out = to;
                stream.avail_out = static_cast<uInt>(room);
                int code = inflate(&stream, Z_NO_FLUSH);
                done = code == Z_STREAM_END;
                size_t made = room - stream.avail_out;
                if ((code != Z_OK && !done) || (!done && made == 0)) return std::nullopt;
                return made;
              });
}

Result<Bytes> unlz4(BytesView bytes, size_t bytes_max) {
  LZ4F_dctx* raw = nullptr;
  if (LZ4F_isError(LZ4F_createDecompressionContext(&raw, LZ4F_VERSION))) return broken(Compression::lz4);
  std::unique_ptr<LZ4F_dctx, void (*)(LZ4F_dctx*)> context(
      raw, [](LZ4F_dctx* c) { LZ4F_freeDecompressionContext(c); });
  return fill(Compression::lz4, 2 * bytes.size(), bytes_max,
              [&](uint8_t* to, size_t room, bool& done) -> std::optional<size_t> {
                size_t made = room;
                size_t read = bytes.size();
                size_t left = LZ4F_decompress(raw, to, &made, bytes.data(), &read, nullptr);
                if (LZ4F_isError(left)) return std::nullopt;
                bytes = bytes.subspan(read);
                done = left == 0;
                if (!done && made == 0 && read == 0) return std::nullopt;
                return made;
              });
}

Result<Bytes> unzstd(BytesView bytes, size_t bytes_max) {
  constexpr int window_log_max = 23;  // 8 MiB, what every encoder stays within
  std::unique_ptr<ZSTD_DCtx, size_t (*)(ZSTD_DCtx*)> context(ZSTD_createDCtx(), ZSTD_freeDCtx);
  if (!context) return broken(Compression::zstd);
  ZSTD_DCtx_setParameter(context.get(), ZSTD_d_windowLogMax, window_log_max);
  ZSTD_inBuffer in{bytes.data(), bytes.size(), 0};
  return fill(Compression::zstd, 2 * bytes.size(), bytes_max,
              [&](uint8_t* to, size_t room, bool& done) -> std::optional<size_t> {
                size_t before = in.pos;
                ZSTD_outBuffer out{to, room, 0};
                size_t left = ZSTD_decompressStream(context.get(), &out, &in);
                if (ZSTD_isError(left)) return std::nullopt;
                done = left == 0;
                if (!done && out.pos == 0 && in.pos == before) return std::nullopt;
                return out.pos;
              });
}

// Appends one raw block.
Result<void> add_snappy_block(BytesView block, size_t bytes_max, Bytes& out) {
  const char* data = reinterpret_cast<const char*>(block.data());
  size_t size = 0;
  if (!snappy::GetUncompressedLength(data, block.size(), &size)) return broken(Compression::snappy);
  if (size > bytes_max - out.size()) return too_large(Compression::snappy, bytes_max);
  // Snappy makes at most 64 bytes of 3: what says more lies, and is not worth the memory.
  constexpr size_t gain_max = 22;
  if (size > gain_max * (block.size() + 1)) return broken(Compression::snappy);
  size_t had = out.size();
  out.resize(had + size);
  if (snappy::RawUncompress(data, block.size(), reinterpret_cast<char*>(out.data() + had))) return {};
  return broken(Compression::snappy);
}

//   0 0x82 "SNAPPY" 0x00 | 8 version i32 | 12 compatible i32 | then blocks: size i32, block
constexpr std::string_view xerial_magic("\x82SNAPPY\0", 8);
constexpr size_t xerial_head_bytes = 16;

Result<Bytes> unsnappy(BytesView bytes, size_t bytes_max) {
  Bytes out;
  if (!as_text(bytes).starts_with(xerial_magic)) {
    auto done = add_snappy_block(bytes, bytes_max, out);
    if (!done) return std::unexpected(done.error());
    return out;
  }
  for (bytes = bytes.subspan(std::min(bytes.size(), xerial_head_bytes)); !bytes.empty();) {
    if (bytes.size() < sizeof(int32_t)) return broken(Compression::snappy);
    auto size = load<int32_t>(bytes, 0);
    bytes = bytes.subspan(sizeof(int32_t));
    if (size < 0 || static_cast<size_t>(size) > bytes.size()) return broken(Compression::snappy);
    auto done = add_snappy_block(bytes.first(static_cast<size_t>(size)), bytes_max, out);
    if (!done) return std::unexpected(done.error());
    bytes = bytes.subspan(static_cast<size_t>(size));
  }
  return out;
}

}  // namespace

std::string_view name_of(Compression compression) {
  switch (compression) {
    case Compression::none:
      return "none";
    case Compression::gzip:
      return "gzip";
    case Compression::snappy:
      return "snappy";
    case Compression::lz4:
      return "lz4";
    case Compression::zstd:
      return "zstd";
  }
  return "an unknown compression";
}

Result<Bytes> uncompress(Compression compression, BytesView bytes, size_t bytes_max) {
  switch (compression) {
    case Compression::none:
      return Bytes(bytes.begin(), bytes.end());
    case Compression::gzip:
      return ungzip(bytes, bytes_max);
    case Compression::snappy:
      return unsnappy(bytes, bytes_max);
    case Compression::lz4:
      return unlz4(bytes, bytes_max);
    case Compression::zstd:
      return unzstd(bytes, bytes_max);
  }
  return error(ErrorCode::unsupported, "{} (number {})", name_of(compression), static_cast<int>(compression));
}

}  // namespace pabal::log
