#pragma once

#include <CLI/CLI.hpp>
#include <string>

namespace pabal::cli {

// What is wrong with the command line that `app` has just refused with `problem`: what was read, and what
// would be right. A sentence for people; names the verb as it was typed.
[[nodiscard]] std::string wrong_use(const CLI::App& app, const CLI::ParseError& problem);

}  // namespace pabal::cli
