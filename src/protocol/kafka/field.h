#pragma once

#include <concepts>
#include <cstdint>

#include "protocol/kafka/types.h"

namespace pabal::kafka {

// Where one field of a message exists, and how. Kafka's rules hold: a released version is frozen, a default
// never changes, and writing a version that lacks a field whose value is not its default is an error, unless
// the field may be ignored.
struct FieldSpec {
  ApiVersion first{0};
  ApiVersion last{INT16_MAX};
  ApiVersion first_nullable{INT16_MAX};
  int32_t tag = no_tag;
  bool is_ignorable = false;
  bool is_secret = false;  // never printed

  static constexpr int32_t no_tag = -1;

  [[nodiscard]] constexpr bool exists(ApiVersion version) const {
    return version >= first && version <= last;
  }
  [[nodiscard]] constexpr bool is_tagged() const { return tag != no_tag; }
  [[nodiscard]] constexpr bool is_nullable(ApiVersion version) const { return version >= first_nullable; }

  [[nodiscard]] constexpr FieldSpec until(int16_t version) const {
    FieldSpec spec = *this;
    spec.last = ApiVersion(version);
    return spec;
  }
  [[nodiscard]] constexpr FieldSpec null_since(int16_t version) const {
    FieldSpec spec = *this;
    spec.first_nullable = ApiVersion(version);
    return spec;
  }
  [[nodiscard]] constexpr FieldSpec tagged(int32_t number) const {
    FieldSpec spec = *this;
    spec.tag = number;
    return spec;
  }
  [[nodiscard]] constexpr FieldSpec ignorable() const {
    FieldSpec spec = *this;
    spec.is_ignorable = true;
    return spec;
  }
  [[nodiscard]] constexpr FieldSpec secret() const {
    FieldSpec spec = *this;
    spec.is_secret = true;
    return spec;
  }
};

constexpr FieldSpec since(int16_t version) { return {.first = ApiVersion(version)}; }
constexpr FieldSpec always = {};

struct AnyVisitor {
  void operator()(const char* name, auto member, const FieldSpec& spec) const;
};

// A struct that describes itself: describe(visit) calls visit(name, &Struct::member, spec) for each field in
// wire order. Encoding, decoding, printing and the values that tests make up all follow from that one list.
template <class T>
concept Described = requires(AnyVisitor visitor) { T::describe(visitor); };

}  // namespace pabal::kafka
