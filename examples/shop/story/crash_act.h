#pragma once

#include "shop/story/stage.h"

namespace shop {

// While the customers order, the server, each service and relays (between publish and mark) are killed with
// SIGKILL, one after the other, each three times; each comes back by itself.
Result<void> crash(Stage& stage);

}  // namespace shop
