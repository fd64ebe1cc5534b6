#include <boost/asio/co_spawn.hpp>
#include <boost/asio/io_context.hpp>

#include "runtime/http_client.h"

namespace pabal::runtime {

struct BlockingHttpClient::Impl {
  explicit Impl(HttpClientLimits limits) : client(HttpClient::make(loop.get_executor(), limits)) {}

  // Runs the loop on this thread until `task` is done.
  Result<HttpResponse> wait_for(Task<Result<HttpResponse>> task) {
    std::optional<Result<HttpResponse>> answer;
    asio::co_spawn(loop, std::move(task), [&](std::exception_ptr thrown, Result<HttpResponse> result) {
      answer = thrown ? error(ErrorCode::peer_failed, "the request could not be made") : std::move(result);
    });
    loop.restart();
    while (!answer) loop.run_one();
    return std::move(*answer);
  }

  asio::io_context loop{1};
  std::unique_ptr<HttpClient> client;
};

BlockingHttpClient::BlockingHttpClient(HttpClientLimits limits) : impl_(std::make_unique<Impl>(limits)) {}
BlockingHttpClient::~BlockingHttpClient() = default;

Result<HttpResponse> BlockingHttpClient::request(const Url& base, HttpRequest request, Deadline deadline) {
  return impl_->wait_for(impl_->client->request(base, std::move(request), deadline));
}

Result<HttpResponse> BlockingHttpClient::stream(const Url& base, HttpRequest request, Deadline deadline,
                                                std::function<bool(std::string_view)> piece) {
  return impl_->wait_for(impl_->client->stream(base, std::move(request), deadline, std::move(piece)));
}

}  // namespace pabal::runtime
