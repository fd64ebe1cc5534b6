#pragma once

#include <boost/asio/async_result.hpp>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/this_coro.hpp>
#include <exception>
#include <functional>
#include <memory>
#include <vector>

#include "runtime/asio.h"

namespace pabal::runtime {

// Runs `work(0)` … `work(count - 1)` side by side where the caller runs, each begun before the next up to its
// first wait, and returns when all have ended, with their results in that order. What one throws is thrown
// again. `work` is a coroutine function whose parts may refer to what the caller holds.
template <class T>
Task<std::vector<T>> all(size_t count, std::function<Task<T>(size_t)> work) {
  std::vector<T> results(count);
  if (count == 1) {  // nothing to run beside
    results[0] = co_await work(0);
    co_return results;
  }
  Executor executor = co_await asio::this_coro::executor;
  std::exception_ptr thrown;
  auto start = [&](auto handler) {
    // One more than there are, so that it is not called from within.
    auto left = std::make_shared<size_t>(count + 1);
    auto done = std::make_shared<decltype(handler)>(std::move(handler));
    auto ended = [left, done] {
      if (--*left == 0) std::move (*done)();
    };
    for (size_t i = 0; i < count; ++i) {
      asio::co_spawn(
          executor, [&work, i] { return work(i); },
          [&results, &thrown, i, ended](std::exception_ptr problem, T result) {
            if (problem) thrown = problem;
            results[i] = std::move(result);
            ended();
          });
    }
    asio::post(executor, ended);
  };
  co_await asio::async_initiate<const asio::use_awaitable_t<>, void()>(std::move(start), asio::use_awaitable);
  if (thrown) std::rethrow_exception(thrown);
  co_return results;
}

}  // namespace pabal::runtime
