#pragma once

#include "base/random.h"
#include "calls/call.h"
#include "lender.h"
#include "pabal/pabal.h"
#include "pause.h"
#include "runtime/http_client.h"
#include "span_reporter.h"

namespace pabal::sdk {

// Calls one other service under its policy. Safe from any thread; blocks its caller.
class ServicePeer final : public Peer {
 public:
  struct Options {
    std::string caller;
    std::string peer;
    runtime::Url address;
    Policy policy;
    Duration network_delay;
  };
  ServicePeer(Options options, Pause& pause, Lender<runtime::BlockingHttpClient>& clients,
              SpanReporter& spans);

  Result<Answer> send(std::string_view method, std::string_view path, const Json& body,
                      CallOptions options) override;

 private:
  struct Try {
    Result<Answer> answer;
    calls::TryResult result = {};
  };

  Try try_once(const runtime::HttpRequest& request, Deadline deadline);
  Try judge(const Result<runtime::HttpResponse>& response) const;
  [[nodiscard]] runtime::HttpRequest request(std::string_view method, std::string_view path, const Json& body,
                                             const CallOptions& options, std::string_view traceparent) const;

  Options options_;
  Pause& pause_;
  Lender<runtime::BlockingHttpClient>& clients_;
  SpanReporter& spans_;
  calls::Guard guard_;
};

}  // namespace pabal::sdk
