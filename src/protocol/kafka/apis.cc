#include "protocol/kafka/apis.h"

#include <algorithm>
#include <array>

namespace pabal::kafka {
namespace {

template <class... Each>
constexpr auto table_of(std::type_identity<std::tuple<Each...>>) {
  return std::array{Each::Request::api...};
}
constexpr auto apis = table_of(std::type_identity<Exchanges>{});

}  // namespace

std::span<const Api> all_apis() { return apis; }

const Api* find_api(ApiKey key) {
  const auto* found = std::ranges::find(apis, key, &Api::key);
  return found == apis.end() ? nullptr : found;
}

}  // namespace pabal::kafka
