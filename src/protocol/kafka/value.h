#pragma once

#include <chrono>
#include <concepts>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "protocol/kafka/field.h"
#include "protocol/kafka/types.h"

// What kinds of value a described field may have.
namespace pabal::kafka {

// Of a text, in every version: what fits the length of the oldest.
constexpr size_t text_bytes_max = INT16_MAX;

template <class T>
concept WireNumber =
    !std::same_as<T, bool> && (std::integral<T> || std::is_enum_v<T> || requires { typename T::rep; });

template <WireNumber T>
constexpr auto raw_of(T value) {
  if constexpr (std::integral<T>) {
    return value;
  } else if constexpr (std::is_enum_v<T>) {
    return std::to_underlying(value);
  } else if constexpr (requires { value.count(); }) {
    return value.count();
  } else {
    return value.value();
  }
}

template <class T>
constexpr bool is_optional = false;
template <class T>
constexpr bool is_optional<std::optional<T>> = true;

template <class T>
constexpr bool is_list = false;
template <class T>
constexpr bool is_list<std::vector<T>> = !std::same_as<T, uint8_t>;

}  // namespace pabal::kafka
