#pragma once

#include <map>

#include "event_runner.h"
#include "router.h"
#include "runtime/http.h"
#include "worker_pool.h"

namespace pabal::sdk {

// What comes in by HTTP: requests for the routes, and pushed events. Handlers run on the pool; while every
// worker is busy and the line is full the answer is 503.
class HttpFront {
 public:
  struct Push {
    std::string secret = {};
    std::function<HandledEvent(const runtime::HttpRequest&)> handle;
  };

  HttpFront(std::string service, WorkerPool& workers, LiveCounters& counters);
  void add_route(std::string method, std::string path, RequestHandler handler);
  void add_push(std::string path, Push push);

  runtime::Task<runtime::HttpResponse> answer(runtime::HttpRequest request);

 private:
  runtime::HttpResponse run_route(const Router::Found& found, const runtime::HttpRequest& request);
  runtime::HttpResponse run_push(const Push& push, const runtime::HttpRequest& request);
  [[nodiscard]] runtime::HttpResponse health() const;

  std::string service_;
  WorkerPool& workers_;
  LiveCounters& counters_;
  Router router_;
  std::map<std::string, Push, std::less<>> pushes_;
};

}  // namespace pabal::sdk
