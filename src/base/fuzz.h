#pragma once

#include <vector>

#include "base/bytes.h"
#include "base/check.h"

namespace pabal {

// A decoder under hostile bytes: `run` may do anything with the input but crash, hang or break a check().
struct FuzzTarget {
  const char* name;
  void (*run)(BytesView input);
};

// The targets linked into this program, in no order.
inline std::vector<FuzzTarget>& fuzz_targets() {
  static std::vector<FuzzTarget> targets;
  return targets;
}

inline bool add_fuzz_target(const FuzzTarget& target) {
  fuzz_targets().push_back(target);
  return true;
}

// Takes one byte from the front of the input, zero when there is none: for a target that chooses by it.
inline uint8_t take_byte(BytesView& input) {
  if (input.empty()) return 0;
  uint8_t byte = input.front();
  input = input.subspan(1);
  return byte;
}

}  // namespace pabal

// What libFuzzer calls; only a program with one target has it.
#ifdef PABAL_FUZZ_MAIN
#define PABAL_FUZZ_ENTRY(name)                                              \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size);  \
  extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { \
    fuzz_##name(pabal::BytesView(data, size));                              \
    return 0;                                                               \
  }
#else
#define PABAL_FUZZ_ENTRY(name)
#endif

// PABAL_FUZZ(name) { … `input` … }: the one target of x_fuzz.cc, outside of any namespace. As a program of
// its own it is a libFuzzer; in the tests it runs over test/fuzz/corpus/<name>/.
#define PABAL_FUZZ(name)                                                                                 \
  static void fuzz_##name(pabal::BytesView input);                                                       \
  [[maybe_unused]] static const bool fuzz_##name##_added = pabal::add_fuzz_target({#name, fuzz_##name}); \
  PABAL_FUZZ_ENTRY(name)                                                                                 \
  static void fuzz_##name(pabal::BytesView input)
