#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/clock.h"
#include "base/error.h"
#include "runtime/http_client.h"

namespace pabal::cli {

using Json = nlohmann::ordered_json;

// The HTTP API as the verbs use it. Problem details become errors whose message is a sentence; so does a
// server that is not there.
class Api {
 public:
  struct Options {
    std::string server = "http://127.0.0.1:8080";
    std::string token = {};
  };
  // `invalid` when the address is none.
  static Result<Api> make(Options options);

  using Fields = std::vector<std::pair<std::string, std::string>>;
  // `path` as in "/v1/topics", encoded. An answer without a body is null.
  Result<Json> call(std::string_view method, std::string path, const Json& body = nullptr,
                    Duration within = std::chrono::seconds(30), const Fields& fields = {});
  Result<Json> get(std::string path) { return call("GET", std::move(path)); }
  // The status of the latest answer.
  [[nodiscard]] int status() const { return status_; }

  // Follows a stream: `piece` gets its parts until it returns false or the stream ends.
  Result<void> follow(std::string path, const Fields& fields, std::function<bool(std::string_view)> piece);

  [[nodiscard]] const std::string& server() const { return options_.server; }

 private:
  Api(Options options, runtime::Url url);
  runtime::HttpRequest request(std::string_view method, std::string path, const Fields& fields) const;

  Options options_;
  runtime::Url url_;
  std::unique_ptr<runtime::BlockingHttpClient> client_;
  int status_ = 0;
};

// One segment of a path.
[[nodiscard]] std::string segment(std::string_view name);

// Members of answers; the fallback when absent or of another type.
[[nodiscard]] std::string text_at(const Json& json, std::string_view name, std::string_view otherwise = "");
[[nodiscard]] double number_at(const Json& json, std::string_view name, double otherwise = 0);
[[nodiscard]] int64_t count_at(const Json& json, std::string_view name);
[[nodiscard]] const Json& member_of(const Json& json, std::string_view name);  // or null

// Lengths of time by what an answer says, which may be any number; at most 10,000 days either way.
[[nodiscard]] Duration seconds_of(double seconds);
[[nodiscard]] Duration time_between(WallTime earlier, WallTime later);

}  // namespace pabal::cli
