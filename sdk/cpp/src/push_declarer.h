#pragma once

#include <boost/asio/steady_timer.hpp>
#include <memory>

#include "pabal/pabal.h"
#include "runtime/asio.h"
#include "runtime/http_client.h"
#include "server_access.h"

namespace pabal::sdk {

// Tells the server to push a queue to this service, as often as it takes until the server has heard it.
class PushDeclarer : public std::enable_shared_from_this<PushDeclarer> {
 public:
  PushDeclarer(runtime::Executor executor, ServerAccess server, std::string queue, Json settings);
  void start();
  void stop();  // on the executor

 private:
  runtime::Task<> declare();

  ServerAccess server_;
  std::string queue_;
  Json settings_;
  std::unique_ptr<runtime::HttpClient> client_;
  asio::steady_timer timer_;
  bool stopping_ = false;
};

}  // namespace pabal::sdk
