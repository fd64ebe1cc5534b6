#pragma once

#include <chrono>
#include <nlohmann/json.hpp>
#include <string>

#include "base/error.h"
#include "runtime/http_client.h"

namespace shop {

using pabal::error;
using pabal::ErrorCode;
using pabal::Result;

// What the story asks its processes: JSON over HTTP, from a thread that may block.
struct HttpAnswer {
  int status = 0;
  nlohmann::json body;

  [[nodiscard]] bool ok() const { return status / 100 == 2; }
};

class Http {
 public:
  // `address`: "127.0.0.1:9001".
  Result<HttpAnswer> get(const std::string& address, const std::string& path);
  // Without a body when it is null.
  Result<HttpAnswer> post(const std::string& address, const std::string& path, const nlohmann::json& body);

 private:
  Result<HttpAnswer> request(const std::string& address, pabal::runtime::HttpRequest request);
  pabal::runtime::BlockingHttpClient client_;
};

}  // namespace shop
