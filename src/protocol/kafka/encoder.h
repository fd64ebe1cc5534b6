#pragma once

#include <fmt/format.h>
#include <limits>

#include "protocol/kafka/api.h"
#include "protocol/kafka/failure.h"
#include "protocol/kafka/value.h"
#include "protocol/kafka/wire_writer.h"

namespace pabal::kafka {

// Writes what a description says, in one version of it. What the version cannot carry is a failure.
class Encoder {
 public:
  Encoder(WireWriter& out, ApiVersion version, bool flexible)
      : out_(&out), version_(version), flexible_(flexible) {}

  template <Described T>
  void put(const T& value) {
    static const T defaults{};
    uint32_t tags = 0;
    auto plain = [&](const char* name, auto member, const FieldSpec& spec) {
      if (failure_.happened()) return;
      bool is_default = value.*member == defaults.*member;
      if (!spec.exists(version_) || (spec.is_tagged() && !flexible_)) {
        if (!is_default && !spec.is_ignorable) fail("the version does not have it");
      } else if (spec.is_tagged()) {
        if (!is_default) ++tags;
      } else {
        put(value.*member, spec);
      }
      if (failure_.happened()) failure_.add_name(name);
    };
    T::describe(plain);
    if (flexible_) put_tags(value, defaults, tags);
  }

  [[nodiscard]] const Failure& failure() const { return failure_; }

 private:
  template <Described T>
  void put_tags(const T& value, const T& defaults, uint32_t count) {
    out_->put_varint(count);
    if (count == 0) return;
    auto tagged = [&](const char* name, auto member, const FieldSpec& spec) {
      if (failure_.happened() || !spec.is_tagged() || !spec.exists(version_)) return;
      if (value.*member == defaults.*member) return;
      WireWriter field;
      WireWriter* outer = std::exchange(out_, &field);
      put(value.*member, spec);
      out_ = outer;
      out_->put_varint(static_cast<uint32_t>(spec.tag));
      out_->put_varint(static_cast<uint32_t>(field.size()));
      out_->append(std::move(field));
      if (failure_.happened()) failure_.add_name(name);
    };
    T::describe(tagged);
  }

  template <class T>
  void put(const T& value, const FieldSpec& spec) {
    if constexpr (Described<T>) {
      put(value);
    } else if constexpr (std::same_as<T, bool>) {
      out_->put<uint8_t>(value ? 1 : 0);
    } else if constexpr (WireNumber<T>) {
      out_->put(raw_of(value));
    } else if constexpr (std::same_as<T, Uuid>) {
      out_->put_bytes(value.bytes);
    } else if constexpr (is_optional<T>) {
      if (value) return put_counted(*value);
      if (!spec.is_nullable(version_)) return fail("null, which the version does not allow");
      put_null<typename T::value_type>();
    } else {
      put_counted(value);
    }
  }

  template <class T>
  void put_null() {
    if (flexible_) {
      out_->put_varint(0);
    } else if constexpr (std::same_as<T, std::string>) {
      out_->put<int16_t>(-1);
    } else {
      out_->put<int32_t>(-1);
    }
  }

  template <class T>
  void put_length(size_t length) {
    constexpr bool is_short = std::same_as<T, std::string>;
    size_t most = is_short ? text_bytes_max : std::numeric_limits<int32_t>::max() - 1;
    if (length > most) return fail(fmt::format("{} long, at most {}", length, most));
    if (flexible_) {
      out_->put_varint(static_cast<uint32_t>(length + 1));
    } else if constexpr (is_short) {
      out_->put(static_cast<int16_t>(length));
    } else {
      out_->put(static_cast<int32_t>(length));
    }
  }

  void put_counted(const std::string& text) {
    put_length<std::string>(text.size());
    out_->put_bytes(as_bytes(text));
  }
  void put_counted(const Bytes& bytes) {
    put_length<Bytes>(bytes.size());
    out_->put_bytes(bytes);
  }
  void put_counted(const Records& records) {
    put_length<Records>(records.bytes());
    for (const SharedBytes& piece : records.pieces) out_->put_shared(piece);
  }
  template <class T>
  void put_counted(const std::vector<T>& list) {
    put_length<std::vector<T>>(list.size());
    for (size_t i = 0; i < list.size() && !failure_.happened(); ++i) {
      put(list[i], FieldSpec{});
      if (failure_.happened()) failure_.add_index(i);
    }
  }

  void fail(std::string problem) { failure_.set(ErrorCode::invalid, std::move(problem)); }

  WireWriter* out_;
  ApiVersion version_;
  bool flexible_;
  Failure failure_;
};

}  // namespace pabal::kafka
