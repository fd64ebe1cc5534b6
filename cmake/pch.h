// The headers that most files include and none of which is ours. Only to compile faster: every file still
// includes what it uses.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <boost/asio.hpp>
#include <boost/asio/experimental/awaitable_operators.hpp>
#include <chrono>
#include <cstdint>
#include <deque>
#include <expected>
#include <fmt/chrono.h>
#include <fmt/format.h>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <variant>
#include <vector>
