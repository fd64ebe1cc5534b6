#pragma once

#include <thread>

#include "base/clock.h"

namespace pabal::bench {

// A load has a rate, and looks at a server from outside: this is the one place where it sleeps.
inline void pause_for(Duration d) { std::this_thread::sleep_for(d); }

}  // namespace pabal::bench
