#include "log/compression.h"

#include <array>
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "log/big_endian.h"
#include "log/packed_batch.h"
#include "log/record_batch.h"

namespace pabal::log {
namespace {

constexpr std::array all_compressions = {Compression::gzip, Compression::snappy, Compression::lz4,
                                         Compression::zstd};

Bytes some_bytes(size_t count) {
  Bytes bytes(count);
  for (size_t i = 0; i < count; ++i) bytes[i] = static_cast<uint8_t>(i * i >> 7);
  return bytes;
}

// As Java's library frames it.
Bytes xerial(const std::vector<Bytes>& blocks) {
  Bytes out = {0x82, 'S', 'N', 'A', 'P', 'P', 'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1};
  for (const Bytes& block : blocks) {
    Bytes raw = compressed(Compression::snappy, block);
    out.resize(out.size() + sizeof(int32_t));
    store<int32_t>(out, out.size() - sizeof(int32_t), static_cast<int32_t>(raw.size()));
    out.insert(out.end(), raw.begin(), raw.end());
  }
  return out;
}

TEST(Compression, WhatWasCompressedComesBack) {
  for (Compression compression : all_compressions) {
    for (size_t count : {0, 1, 1000, 64 << 10, 300'000}) {
      Bytes bytes = some_bytes(count);
      auto back = uncompress(compression, compressed(compression, bytes), 1_MiB);
      ASSERT_TRUE(back) << name_of(compression) << " " << count << ": " << back.error().message;
      EXPECT_EQ(*back, bytes) << name_of(compression) << " " << count;
    }
  }
}

TEST(Compression, SnappyMayBeFramed) {
  auto back = uncompress(Compression::snappy, xerial({{1, 2, 3}, {}, {4}}), 1_MiB);
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(*back, (Bytes{1, 2, 3, 4}));
}

TEST(Compression, TheLimitIsExact) {
  for (Compression compression : all_compressions) {
    Bytes packed = compressed(compression, Bytes(100'000, 7));
    EXPECT_TRUE(uncompress(compression, packed, 100'000)) << name_of(compression);
    auto refused = uncompress(compression, packed, 99'999);
    ASSERT_FALSE(refused) << name_of(compression);
    EXPECT_EQ(refused.error().code, ErrorCode::too_large) << refused.error().message;
  }
}

TEST(Compression, WhatIsCutIsCorrupt) {
  for (Compression compression : all_compressions) {
    Bytes packed = compressed(compression, some_bytes(500));
    for (size_t count = 0; count < packed.size(); ++count) {
      auto cut = uncompress(compression, BytesView(packed).first(count), 1_MiB);
      // Snappy has no end mark of its own, its length is at the front; a cut frame may end between blocks.
      EXPECT_FALSE(cut) << name_of(compression) << " cut to " << count;
    }
  }
}

TEST(Compression, AnUnknownOneIsUnsupported) {
  auto refused = uncompress(Compression(5), {}, 1_MiB);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::unsupported);
}

TEST(Compression, TheRecordsOfACompressedBatchAreRead) {
  for (Compression compression : all_compressions) {
    BatchBuilder builder;
    builder.add({.key = as_bytes("a"), .value = as_bytes("first")});
    builder.add({.key = as_bytes("b"), .value = as_bytes("second")});
    Bytes bytes = packed_batch(builder.finish(), compression);
    auto batch = BatchView::parse(bytes);
    ASSERT_TRUE(batch && batch->verify() && batch->is_compressed());
    std::string read;
    auto done = batch->for_each([&](const StoredRecord& record) {
      read += fmt::format("{}:{}={} ", record.offset, as_text(*record.key), as_text(*record.value));
      return true;
    });
    EXPECT_TRUE(done) << done.error().message;
    EXPECT_EQ(read, "0:a=first 1:b=second ") << name_of(compression);
  }
}

TEST(Compression, ABombIsRefused) {
  BatchBuilder builder;
  Bytes zeros(uncompressed_bytes_max);
  builder.add({.value = BytesView(zeros)});
  Bytes bytes = packed_batch(builder.finish(), Compression::zstd);
  ASSERT_LT(bytes.size(), 64_KiB);
  auto done = BatchView::parse(bytes)->for_each([](const StoredRecord&) { return true; });
  ASSERT_FALSE(done);
  EXPECT_EQ(done.error().code, ErrorCode::too_large);
}

}  // namespace
}  // namespace pabal::log
