#pragma once

#include <string>

#include "base/random.h"
#include "protocol/kafka/value.h"

// Values that tests make up from a description.
namespace pabal::kafka {

// Any value of a message that one version of it can carry.
class TestValues {
 public:
  TestValues(Random& random, ApiVersion version) : random_(random), version_(version) {}

  template <Described T>
  void fill(T& value) {
    auto each = [&](const char*, auto member, const FieldSpec& spec) {
      if (spec.exists(version_) && !(spec.is_tagged() && random_.chance(0.3))) fill(value.*member, spec);
    };
    T::describe(each);
  }

 private:
  template <class T>
  void fill(T& value, const FieldSpec& spec) {
    if constexpr (Described<T>) {
      fill(value);
    } else if constexpr (std::same_as<T, bool>) {
      value = random_.chance(0.5);
    } else if constexpr (WireNumber<T>) {
      value = static_cast<T>(static_cast<decltype(raw_of(value))>(random_.next()));
    } else if constexpr (std::same_as<T, Uuid>) {
      value = Uuid::random(random_);
    } else if constexpr (is_optional<T>) {
      value.reset();
      if (!spec.is_nullable(version_) || random_.chance(0.7)) fill(value.emplace(), spec);
    } else if constexpr (std::same_as<T, Records>) {
      Bytes bytes;
      fill(bytes, spec);
      if (!bytes.empty()) value.pieces.emplace_back(std::move(bytes));
    } else if constexpr (is_list<T>) {
      value.resize(random_.below(4));
      for (auto& each : value) fill(each, spec);
    } else {  // bytes, text
      value.resize(random_.chance(0.1) ? random_.below(2'000) : random_.below(20));
      for (auto& each : value) each = static_cast<typename T::value_type>(random_.next());
    }
  }

  Random& random_;
  ApiVersion version_;
};

// Calls `each` with a value of every message there is.
template <class... Each>
void for_each_message_of(std::type_identity<std::tuple<Each...>>, const auto& each) {
  (each(typename Each::Request{}), ...);
  (each(typename Each::Response{}), ...);
}

}  // namespace pabal::kafka
