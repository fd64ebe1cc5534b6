// Stands in for the generated table when the build found no node and npm.
#include "doors/http/console_assets.h"

namespace pabal::doors {

std::span<const Asset> console_assets() { return {}; }

}  // namespace pabal::doors
