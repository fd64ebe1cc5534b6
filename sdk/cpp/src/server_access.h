#pragma once

#include <string>

#include "runtime/http_client.h"

namespace pabal::sdk {

// How a service reaches the Pabal server, and who it says it is.
struct ServerAccess {
  runtime::Url url;
  std::string service;
  std::string token = {};  // secret

  [[nodiscard]] runtime::HttpRequest request(std::string method, std::string target, std::string body) const {
    runtime::HttpRequest request{
        .method = std::move(method), .target = std::move(target), .body = std::move(body)};
    request.fields.add("Content-Type", "application/json");
    request.fields.add("Pabal-Service", service);
    if (!token.empty()) request.fields.add("Authorization", "Bearer " + token);
    return request;
  }
};

}  // namespace pabal::sdk
