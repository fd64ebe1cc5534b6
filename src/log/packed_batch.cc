#include "log/packed_batch.h"

#include <lz4frame.h>
#include <snappy.h>
#include <zlib.h>
#include <zstd.h>

#include "base/check.h"
#include "base/crc32c.h"
#include "log/batch_layout.h"
#include "log/big_endian.h"

namespace pabal::log {
namespace {

Bytes gzip(BytesView bytes) {
  z_stream stream{};
  check(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK, "zlib does not begin");
  Bytes out(deflateBound(&stream, bytes.size()) + 64);
  stream.next_in = const_cast<uint8_t*>(bytes.data());
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = out.data();
  stream.avail_out = static_cast<uInt>(out.size());
  check(deflate(&stream, Z_FINISH) == Z_STREAM_END, "zlib does not end");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

}  // namespace

Bytes compressed(Compression compression, BytesView bytes) {
  const char* data = reinterpret_cast<const char*>(bytes.data());
  Bytes out;
  switch (compression) {
    case Compression::gzip:
      return gzip(bytes);
    case Compression::snappy: {
      std::string text;
      snappy::Compress(data, bytes.size(), &text);
      out.assign(text.begin(), text.end());
      return out;
    }
    case Compression::lz4:
      out.resize(LZ4F_compressFrameBound(bytes.size(), nullptr));
      out.resize(LZ4F_compressFrame(out.data(), out.size(), data, bytes.size(), nullptr));
      return out;
    case Compression::zstd:
      out.resize(ZSTD_compressBound(bytes.size()));
      out.resize(ZSTD_compress(out.data(), out.size(), data, bytes.size(), 3));
      return out;
    case Compression::none:
      break;
  }
  return {bytes.begin(), bytes.end()};
}

Bytes packed_batch(Bytes batch, Compression compression) {
  Bytes records = compressed(compression, BytesView(batch).subspan(batch_layout::records));
  batch.resize(batch_layout::records);
  batch.insert(batch.end(), records.begin(), records.end());
  store<int16_t>(batch, batch_layout::attributes, static_cast<int16_t>(compression));
  store<int32_t>(batch, batch_layout::batch_length,
                 static_cast<int32_t>(batch.size() - batch_layout::length_ends));
  store<uint32_t>(batch, batch_layout::crc, crc32c(BytesView(batch).subspan(batch_layout::attributes)));
  return batch;
}

}  // namespace pabal::log
