#pragma once

#include <boost/asio/ssl/context.hpp>
#include <string>

#include "base/error.h"
#include "runtime/asio.h"

namespace pabal::runtime {

struct TlsFiles {
  std::string certificate_chain;  // PEM
  std::string private_key;        // PEM
  // PEM: a client has to show a certificate that one of these authorities has signed. Empty: none is asked
  // for.
  std::string client_authorities = {};
};

// What a listener needs for TLS 1.2 and 1.3. An error (invalid) names the file.
[[nodiscard]] Result<asio::ssl::context> make_tls_context(const TlsFiles& files);

}  // namespace pabal::runtime
