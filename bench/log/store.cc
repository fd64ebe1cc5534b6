#include "store.h"

#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <filesystem>
#include <vector>

#include "base/check.h"
#include "log/record_batch.h"

namespace pabal::bench {

engine::LogId log_number(int n) {
  engine::LogId id{.topic = {}, .partition = PartitionIndex(n)};
  id.topic.bytes[0] = 1;
  return id;
}

Bytes batch_of(size_t records, size_t record_bytes) {
  log::BatchBuilder builder;
  std::string value(record_bytes, 'v');
  for (size_t i = 0; i < records; ++i) builder.add({.value = as_bytes(value)});
  return builder.finish();
}

Scratch::Scratch(std::string path) : path_(std::move(path)) { std::filesystem::create_directories(path_); }

Scratch::~Scratch() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

Store::Store(const std::string& data_dir) : shards_(runtime::start_shards(2)) {
  auto opened = engine::open_embedded({.data_dir = data_dir, .shards = shards_.get()});
  check(opened.has_value(), "{}", opened ? "" : opened.error().message);
  engine_ = std::move(*opened);
}

Store::~Store() {
  asio::co_spawn(shards_->at(0).executor(), engine_->stop(), asio::use_future).get();
  engine_.reset();
}

void Store::make_logs(int count) {
  std::vector<std::future<Result<void>>> made;
  made.reserve(static_cast<size_t>(count));
  for (int i = 0; i < count; ++i)
    made.push_back(spawn(0, engine_->open_log(log_number(i), {.name = "bench"})));
  for (auto& one : made) check(one.get().has_value(), "cannot make a log");
}

engine::Commit copy_of(const engine::Commit& commit) {
  engine::Commit copy;
  for (const auto& [log, batch] : commit.appends) copy.appends.push_back({log, batch.clone()});
  return copy;
}

// As a client would: what is refused because too much waits is tried again a moment later.
runtime::Task<> Store::commit(const engine::Commit& commit) {
  constexpr Duration moment = std::chrono::milliseconds(1);
  for (;;) {
    auto done = co_await engine_->commit(copy_of(commit));
    if (done) co_return;
    check(done.error().code == ErrorCode::unavailable, "{}", done.error().message);
    ++refused_;
    asio::steady_timer timer(co_await asio::this_coro::executor, moment);
    co_await timer.async_wait(asio::use_awaitable);
  }
}

}  // namespace pabal::bench
