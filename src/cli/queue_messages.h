#pragma once

#include <CLI/CLI.hpp>

#include "cli/verb.h"

namespace pabal::cli {

// `queue messages`, `queue receive` and `queue redrive`.
void add_queue_messages(CLI::App& queue, Run& run);

}  // namespace pabal::cli
