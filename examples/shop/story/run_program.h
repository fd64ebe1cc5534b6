#pragma once

#include <string>
#include <vector>

#include "base/error.h"

namespace shop {

// Runs a program to its end and gives what it wrote to its standard output; an error when it ends with
// another status than 0, with the last of what it wrote to standard error. The first argument is looked for
// in PATH.
[[nodiscard]] pabal::Result<std::string> run_program(const std::vector<std::string>& arguments);

}  // namespace shop
