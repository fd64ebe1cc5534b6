// publish_latency: how long a durable publish over HTTP takes, one at a time, beside the flush baseline of
// the same disk (a 4 KiB overwrite of a preallocated file with fdatasync), sampled in turns in one run.
//
//   publish_latency [COUNT [DIR [HOST:PORT]]]     a server that runs already, else one of its own in DIR

#include <algorithm>
#include <cstdlib>
#include <fcntl.h>
#include <filesystem>
#include <fmt/format.h>
#include <string>
#include <unistd.h>
#include <vector>

#include "base/clock.h"
#include "runtime/http_client.h"
#include "server/server.h"

namespace {

using namespace std::chrono_literals;
using pabal::Duration;
using pabal::Instant;
using pabal::system_clock;

constexpr size_t block_bytes = 4096;
constexpr off_t file_bytes = 8 << 20;

class FlushBaseline {
 public:
  explicit FlushBaseline(const std::string& dir) : path_(dir + "/baseline") {
    fd_ = ::open(path_.c_str(), O_CREAT | O_RDWR | O_CLOEXEC, 0600);
    std::vector<char> zeros(static_cast<size_t>(file_bytes));
    ok_ = fd_ >= 0 && ::pwrite(fd_, zeros.data(), zeros.size(), 0) == file_bytes && ::fsync(fd_) == 0;
  }
  ~FlushBaseline() {
    ::close(fd_);
    ::unlink(path_.c_str());
  }
  FlushBaseline(const FlushBaseline&) = delete;
  FlushBaseline& operator=(const FlushBaseline&) = delete;

  [[nodiscard]] bool ok() const { return ok_; }
  Duration sample() {
    std::string block(block_bytes, static_cast<char>('a' + at_ % 26));
    Instant begun = system_clock().now();
    ok_ = ::pwrite(fd_, block.data(), block.size(), at_ % file_bytes) == static_cast<ssize_t>(block.size()) &&
          ::fdatasync(fd_) == 0 && ok_;
    at_ += static_cast<off_t>(block_bytes);
    return system_clock().now() - begun;
  }

 private:
  std::string path_;
  int fd_ = -1;
  off_t at_ = 0;
  bool ok_ = false;
};

double quantile_us(std::vector<Duration> samples, double q) {
  std::ranges::sort(samples);
  auto at = static_cast<size_t>(q * static_cast<double>(samples.size() - 1) + 0.5);
  return static_cast<double>(samples[at].count()) / 1e3;
}

int fail(std::string_view why) {
  fmt::print(stderr, "publish_latency: {}\n", why);
  return 1;
}

int measure(const pabal::runtime::Url& url, const std::string& dir, int count) {
  FlushBaseline baseline(dir);
  pabal::runtime::BlockingHttpClient client;
  std::vector<Duration> flushes;
  std::vector<Duration> publishes;
  std::string body = R"({"records":[{"key":"O-4711","value":{"order_id":"O-4711","amount":"12.50"}}]})";
  for (int i = 0; i < count + 100; ++i) {
    Duration flush = baseline.sample();
    pabal::runtime::HttpRequest request{.method = "POST", .target = "/v1/topics/bench/records", .body = body};
    request.fields.add("Content-Type", "application/json");
    Instant begun = system_clock().now();
    auto response = client.request(url, std::move(request), pabal::Deadline::after(system_clock(), 10s));
    Duration publish = system_clock().now() - begun;
    if (!response || response->status != 200)
      return fail(response ? response->body : response.error().message);
    if (i < 100) continue;  // to warm up
    flushes.push_back(flush);
    publishes.push_back(publish);
  }
  if (!baseline.ok()) return fail("the baseline could not be measured");
  double base50 = quantile_us(flushes, 0.5);
  double base99 = quantile_us(flushes, 0.99);
  double p50 = quantile_us(publishes, 0.5);
  double p99 = quantile_us(publishes, 0.99);
  fmt::print(
      "{{\"count\": {}, \"flush_us\": {{\"p50\": {:.0f}, \"p99\": {:.0f}}}, \"publish_us\": {{\"p50\": "
      "{:.0f}, "
      "\"p99\": {:.0f}}}, \"ratio\": {{\"p50\": {:.2f}, \"p99\": {:.2f}}}}}\n",
      count, base50, base99, p50, p99, p50 / base50, p99 / base99);
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  int count = argc > 1 ? std::atoi(argv[1]) : 2000;
  std::string dir = argc > 2 ? argv[2] : "publish-latency-data";
  if (count < 1) return fail("COUNT is a number from 1");
  std::filesystem::create_directories(dir);
  std::unique_ptr<pabal::server::Server> own;
  std::string address = argc > 3 ? argv[3] : "";
  if (address.empty()) {
    pabal::server::Settings settings;
    settings.data_dir = dir + "/data";
    settings.http_address = "127.0.0.1:0";
    settings.kafka_address = "off";
    auto started = pabal::server::Server::start(settings);
    if (!started) return fail(started.error().message);
    own = std::move(*started);
    address = own->http_address();
  }
  auto url = pabal::runtime::Url::parse("http://" + address);
  if (!url) return fail(url.error().message);
  return measure(*url, dir, count);
}
