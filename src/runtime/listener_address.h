#pragma once

#include <boost/asio/ip/tcp.hpp>
#include <string>
#include <string_view>

#include "base/error.h"
#include "runtime/asio.h"

namespace pabal::runtime {

// "127.0.0.1:8080", "[::1]:0", "localhost:80": what a listener binds to. Names other than localhost are
// refused: which of their addresses is meant is not for us to guess.
[[nodiscard]] Result<asio::ip::tcp::endpoint> parse_listener_address(std::string_view text);
[[nodiscard]] std::string text_of(const asio::ip::tcp::endpoint& endpoint);

}  // namespace pabal::runtime
