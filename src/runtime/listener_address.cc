#include "runtime/listener_address.h"

#include <charconv>

namespace pabal::runtime {

Result<asio::ip::tcp::endpoint> parse_listener_address(std::string_view text) {
  auto wrong = [&] {
    return error(ErrorCode::invalid,
                 "'{}' is not an address to listen on; right is 127.0.0.1:8080 or [::1]:0", text);
  };
  size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  std::string_view host = text.substr(0, colon);
  std::string_view port_text = text.substr(colon + 1);
  uint16_t port = 0;
  auto [end, problem] = std::from_chars(port_text.data(), port_text.data() + port_text.size(), port);
  if (problem != std::errc() || end != port_text.data() + port_text.size()) return wrong();
  if (host.starts_with('[') && host.ends_with(']')) host = host.substr(1, host.size() - 2);
  if (host == "localhost") host = "127.0.0.1";
  boost::system::error_code bad;
  auto address = asio::ip::make_address(std::string(host), bad);
  if (bad) return wrong();
  return asio::ip::tcp::endpoint(address, port);
}

std::string text_of(const asio::ip::tcp::endpoint& endpoint) {
  std::string host = endpoint.address().to_string();
  return endpoint.address().is_v6() ? fmt::format("[{}]:{}", host, endpoint.port())
                                    : fmt::format("{}:{}", host, endpoint.port());
}

}  // namespace pabal::runtime
