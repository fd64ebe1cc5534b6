#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "runtime/http.h"

namespace pabal::doors {

// One request on its way to its handler.
struct Call {
  runtime::HttpRequest request;
  std::vector<std::pair<std::string, std::string>> names = {};  // captured from the path, percent-decoded
  std::string service = {};  // who calls: Pabal-Service, else the token's name, else empty

  [[nodiscard]] const std::string& name(std::string_view which) const;
};

// Answers a call. An Error becomes a problem document. Not a capturing coroutine: a plain function that
// starts one.
using Handler = std::function<runtime::Task<Result<runtime::HttpResponse>>(Call)>;

enum class Admission { with_token, open };  // open: for probes and the page itself, which hold no secret

struct QueryDoc {
  std::string_view name;
  std::string_view what;
};

// What the OpenAPI description says of a route. Examples are JSON text; empty means no body.
struct RouteDoc {
  std::string_view tag;
  std::string_view summary;
  int status = 200;
  std::string_view request = {};
  std::string_view response = {};
  std::vector<QueryDoc> query = {};
  std::string_view response_type = "application/json";
};

struct Route {
  std::string_view method;
  std::string_view pattern;  // "/v1/topics/{topic}/records"
  RouteDoc doc;
  Handler handler;
  Admission admission = Admission::with_token;
};

// Every call the door answers, in one table: matching, 404, 405 with its Allow, metrics and the OpenAPI
// description all come from it. Filled before the first request, then only read, from any shard.
class RouteTable {
 public:
  void add(Route route);

  struct Match {
    const Route* route = nullptr;
    size_t index = 0;
    std::vector<std::pair<std::string, std::string>> names = {};
  };
  // `path` still percent-encoded. Errors: not_found, wrong_method (see allowed()), invalid (a malformed
  // escape).
  [[nodiscard]] Result<Match> find(std::string_view method, std::string_view path) const;
  // The methods that the path knows, for the Allow field: "GET, PUT".
  [[nodiscard]] std::string allowed(std::string_view path) const;

  [[nodiscard]] const std::vector<Route>& routes() const { return routes_; }

 private:
  std::vector<Route> routes_;
  std::vector<std::vector<std::string_view>> segments_;  // of routes_[i].pattern
};

}  // namespace pabal::doors
