#pragma once

#include <fmt/format.h>
#include <string>

#include "protocol/kafka/api.h"
#include "protocol/kafka/codec.h"
#include "protocol/kafka/value.h"

namespace pabal::kafka {

// Writes what a description says for people: name=value of each field that the version has.
class Printer {
 public:
  explicit Printer(ApiVersion version) : version_(version) {}

  template <Described T>
  void put(const T& value) {
    out_ += '(';
    bool first = true;
    auto each = [&](const char* name, auto member, const FieldSpec& spec) {
      if (!spec.exists(version_) || is_full()) return;
      if (!std::exchange(first, false)) out_ += ", ";
      out_ += name;
      out_ += '=';
      if (spec.is_secret) {
        out_ += "***";
      } else {
        put(value.*member);
      }
    };
    T::describe(each);
    out_ += ')';
  }

  [[nodiscard]] std::string finish() {
    if (is_full()) {
      out_.resize(printed_bytes_max);
      out_ += "...";
    }
    return std::move(out_);
  }

 private:
  [[nodiscard]] bool is_full() const { return out_.size() > printed_bytes_max; }

  void put(bool value) { out_ += value ? "true" : "false"; }
  template <WireNumber T>
  void put(T value) {
    out_ += fmt::format("{}", raw_of(value));
  }
  void put(KafkaError error) { out_ += name_of(error); }
  void put(const Uuid& id) { out_ += id.to_string(); }
  void put(const std::string& text) {
    // A peer's text must not drive a terminal.
    out_ += '"';
    for (char c : std::string_view(text).substr(0, printed_bytes_max)) {
      out_ += static_cast<unsigned char>(c) >= ' ' && c != '"' && c != '\x7f' ? c : '?';
    }
    out_ += '"';
  }
  void put(const Bytes& bytes) { out_ += fmt::format("<{} bytes>", bytes.size()); }
  void put(const Records& records) { out_ += fmt::format("<{} bytes of records>", records.bytes()); }
  template <class T>
  void put(const std::optional<T>& value) {
    if (value) return put(*value);
    out_ += "null";
  }
  template <class T>
  void put(const std::vector<T>& list) {
    out_ += '[';
    for (size_t i = 0; i < list.size() && !is_full(); ++i) {
      if (i > 0) out_ += ", ";
      put(list[i]);
    }
    out_ += ']';
  }

  ApiVersion version_;
  std::string out_;
};

}  // namespace pabal::kafka
