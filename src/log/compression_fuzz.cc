#include "base/fuzz.h"
#include "log/compression.h"

// Whatever a client says is compressed: nothing comes out beyond the limit, and the same every time.
PABAL_FUZZ(compression) {
  using namespace pabal;
  constexpr size_t bytes_max = 256_KiB;
  auto compression = static_cast<log::Compression>(take_byte(input) % 6);
  auto out = log::uncompress(compression, input, bytes_max);
  if (!out) return check(!out.error().message.empty(), "an error without a word");
  check(out->size() <= bytes_max || compression == log::Compression::none, "{} bytes came out", out->size());
  check(log::uncompress(compression, input, bytes_max) == *out, "another result the second time");
}
