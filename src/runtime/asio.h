#pragma once

#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/use_awaitable.hpp>

namespace pabal {

namespace asio = boost::asio;

namespace runtime {

using Executor = asio::any_io_executor;

// A coroutine. It runs on the executor of whoever awaits it; crossing shards is explicit (see on()).
template <class T = void>
using Task = asio::awaitable<T>;

}  // namespace runtime
}  // namespace pabal
