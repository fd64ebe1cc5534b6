#pragma once

#include <string_view>

namespace pabal::server {

constexpr std::string_view version = PABAL_VERSION;

}  // namespace pabal::server
