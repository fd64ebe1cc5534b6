#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"

namespace shop {

using pabal::error;
using pabal::ErrorCode;
using pabal::Result;

// How `./dev shop …` talks to the story that runs: one line there, an answer back, over a socket in the
// story's directory that only the same user can open.
class ControlServer {
 public:
  struct Answer {
    int status = 0;  // the exit status of the command
    std::string text;
  };
  using Handler = std::function<Answer(const std::vector<std::string>& words)>;

  static Result<std::unique_ptr<ControlServer>> listen(const std::string& directory, Handler handler);
  virtual ~ControlServer() = default;
};

// Sends a command to the story of that directory.
[[nodiscard]] Result<ControlServer::Answer> send_command(const std::string& directory,
                                                         const std::vector<std::string>& words);

}  // namespace shop
