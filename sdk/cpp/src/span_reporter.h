#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <mutex>
#include <vector>

#include "pabal/pabal.h"
#include "runtime/asio.h"
#include "runtime/http_client.h"
#include "server_access.h"

namespace pabal::sdk {

// One call to another service, for the server's flow graph and traces.
struct CallSpan {
  std::string trace_id;
  std::string span_id;
  std::string parent_span_id;
  std::string name;  // "POST /charges"
  std::string peer;
  WallTime began = {};
  Duration took = {};
  int status = 0;  // 0: no answer
  int tries = 0;
  std::string failure = {};  // empty: it went well
  Context context = {};
};

// Reports calls as OTLP/HTTP JSON, at most once a second, best effort: while the server is away the oldest
// beyond the limit are dropped. add() from any thread; the rest on the executor's.
class SpanReporter : public std::enable_shared_from_this<SpanReporter> {
 public:
  SpanReporter(runtime::Executor executor, ServerAccess server);
  void start();
  void add(CallSpan span);
  // Sends what there is, once, until the deadline.
  runtime::Task<> stop(Deadline deadline);

 private:
  runtime::Task<> report_every_second();
  runtime::Task<> report(Deadline deadline);

  ServerAccess server_;
  std::unique_ptr<runtime::HttpClient> client_;
  asio::steady_timer timer_;
  bool stopping_ = false;
  std::mutex mutex_;  // of spans_: handlers add from their threads
  std::vector<CallSpan> spans_;
};

// The OTLP/HTTP JSON body of these spans.
[[nodiscard]] std::string otlp_json(std::string_view service, const std::vector<CallSpan>& spans);

}  // namespace pabal::sdk
