#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "pabal/pabal.h"

namespace pabal::sdk {

// The routes of a service: method, path with "{name}" for one segment, handler. Filled before start, then
// only read.
class Router {
 public:
  using Params = std::vector<std::pair<std::string, std::string>>;
  struct Found {
    const RequestHandler* handler;
    Params params;
  };

  void add(std::string method, std::string path, RequestHandler handler);
  // Errors: not_found; wrong_method when only other methods have this path; invalid for a broken escape.
  [[nodiscard]] Result<Found> find(std::string_view method, std::string_view path) const;

 private:
  struct Route {
    std::string method;
    std::vector<std::string> segments;
    RequestHandler handler;
  };
  [[nodiscard]] static std::optional<Params> match(const Route& route, const std::vector<std::string>& path);

  std::vector<Route> routes_;
};

}  // namespace pabal::sdk
