#include "server/observed.h"

#include "flows/otlp.h"

namespace pabal::server {
namespace {

std::string dump(const nlohmann::json& json) {
  return json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

}  // namespace

runtime::Task<Result<std::string>> Observed::trace(std::string id) {
  auto found = co_await trace_.find(std::move(id));
  if (!found) co_return std::unexpected(found.error());
  co_return dump(*found);
}

Result<std::string> Observed::take_spans(std::string_view content_type, std::string_view content_encoding,
                                         std::string_view body) {
  auto taken = flows::take_reported_spans(observatory_, content_type, content_encoding, body);
  if (!taken) return std::unexpected(taken.error());
  return dump(*taken);
}

}  // namespace pabal::server
