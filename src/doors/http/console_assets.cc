#include "doors/http/console_assets.h"

#include <algorithm>

namespace pabal::doors {

const Asset* find_console_asset(std::string_view path) {
  const std::span<const Asset> assets = console_assets();
  const auto found = std::ranges::lower_bound(assets, path, {}, &Asset::path);
  return found != assets.end() && found->path == path ? &*found : nullptr;
}

}  // namespace pabal::doors
