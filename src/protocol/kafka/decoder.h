#pragma once

#include <algorithm>
#include <fmt/format.h>

#include "protocol/kafka/api.h"
#include "protocol/kafka/value.h"
#include "protocol/kafka/wire_reader.h"

namespace pabal::kafka {

// Reads what a description says, in one version of it. Failures stay in the reader.
class Decoder {
 public:
  Decoder(WireReader& in, ApiVersion version, bool flexible)
      : in_(in), version_(version), flexible_(flexible) {}

  template <Described T>
  void take(T& into) {
    auto plain = [&](const char* name, auto member, const FieldSpec& spec) {
      if (in_.failed() || spec.is_tagged() || !spec.exists(version_)) return;
      take(into.*member, spec);
      if (in_.failed()) in_.failure().add_name(name);
    };
    T::describe(plain);
    if (flexible_) take_tags(into);
  }

 private:
  struct Length {
    bool is_null;
    size_t count;
  };

  template <Described T>
  void take_tags(T& into) {
    int64_t previous = -1;
    uint32_t count = in_.take_varint();
    for (uint32_t i = 0; i < count && !in_.failed(); ++i) {
      int64_t tag = in_.take_varint();
      size_t outer = in_.enter(in_.take_varint());
      if (tag <= previous) in_.fail(ErrorCode::invalid, fmt::format("tag {} comes after {}", tag, previous));
      previous = tag;
      take_tagged(into, tag);
      in_.skip(in_.remaining());
      in_.leave(outer);
    }
  }

  // Leaves what it does not know.
  template <Described T>
  void take_tagged(T& into, int64_t tag) {
    auto tagged = [&](const char* name, auto member, const FieldSpec& spec) {
      if (in_.failed() || spec.tag != tag || !spec.exists(version_)) return;
      take(into.*member, spec);
      if (in_.remaining() > 0) {
        in_.fail(ErrorCode::invalid, fmt::format("{} bytes follow a tagged field", in_.remaining()));
      }
      if (in_.failed()) in_.failure().add_name(name);
    };
    T::describe(tagged);
  }

  template <class T>
  void take(T& into, const FieldSpec& spec) {
    if constexpr (Described<T>) {
      take(into);
    } else if constexpr (std::same_as<T, bool>) {
      into = in_.take<uint8_t>() != 0;
    } else if constexpr (WireNumber<T>) {
      into = static_cast<T>(in_.take<decltype(raw_of(into))>());
    } else if constexpr (std::same_as<T, Uuid>) {
      std::ranges::copy(in_.take_bytes(into.bytes.size()), into.bytes.begin());
    } else if constexpr (is_optional<T>) {
      using Value = typename T::value_type;
      Length length = take_length<Value>();
      if (length.is_null && !spec.is_nullable(version_)) refuse_null();
      if (length.is_null) return into.reset();
      take_counted(into.emplace(), length.count);
    } else {
      Length length = take_length<T>();
      if (length.is_null) return refuse_null();
      take_counted(into, length.count);
    }
  }

  template <class T>
  Length take_length() {
    if (flexible_) {
      uint32_t length = in_.take_varint();
      return {length == 0 && !in_.failed(), length == 0 ? 0 : length - size_t{1}};
    }
    int64_t length = std::same_as<T, std::string> ? in_.take<int16_t>() : in_.take<int32_t>();
    if (length < -1) in_.fail(ErrorCode::invalid, fmt::format("a length of {}", length));
    return {length == -1, length < 0 ? 0 : static_cast<size_t>(length)};
  }

  void take_counted(std::string& into, size_t bytes) {
    if (bytes > text_bytes_max) in_.fail(ErrorCode::invalid, fmt::format("a text of {} bytes", bytes));
    BytesView taken = in_.take_bytes(bytes);
    if (in_.allow_memory(taken.size())) into.assign(as_text(taken));
  }
  void take_counted(Bytes& into, size_t bytes) {
    BytesView taken = in_.take_bytes(bytes);
    if (in_.allow_memory(taken.size())) into.assign(taken.begin(), taken.end());
  }
  void take_counted(Records& into, size_t bytes) {
    into.pieces.clear();
    if (SharedBytes taken = in_.take_window(bytes); !taken.empty()) into.pieces.push_back(std::move(taken));
  }
  template <class T>
  void take_counted(std::vector<T>& into, size_t count) {
    into.clear();
    if (count > in_.remaining()) {  // each element has at least one byte
      in_.fail(ErrorCode::invalid, fmt::format("{} elements in {} bytes", count, in_.remaining()));
    }
    if (in_.failed() || !in_.allow_memory(count * sizeof(T))) return;
    into.resize(count);
    for (size_t i = 0; i < count && !in_.failed(); ++i) {
      take(into[i], FieldSpec{});
      if (in_.failed()) in_.failure().add_index(i);
    }
  }

  void refuse_null() { in_.fail(ErrorCode::invalid, "null, where a value must be"); }

  WireReader& in_;
  ApiVersion version_;
  bool flexible_;
};

}  // namespace pabal::kafka
