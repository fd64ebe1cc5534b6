#include "runtime/tls.h"

namespace pabal::runtime {

Result<asio::ssl::context> make_tls_context(const TlsFiles& files) {
  using asio::ssl::context;
  context made(context::tls_server);
  made.set_options(context::default_workarounds | context::no_sslv2 | context::no_sslv3 | context::no_tlsv1 |
                   context::no_tlsv1_1);
  boost::system::error_code problem;
  made.use_certificate_chain_file(files.certificate_chain, problem);
  if (problem) {
    return error(ErrorCode::invalid, "cannot use '{}' as a PEM certificate chain: {}",
                 files.certificate_chain, problem.message());
  }
  made.use_private_key_file(files.private_key, context::pem, problem);
  if (problem) {
    return error(ErrorCode::invalid, "cannot use '{}' as the PEM private key of '{}': {}", files.private_key,
                 files.certificate_chain, problem.message());
  }
  if (files.client_authorities.empty()) return made;
  made.load_verify_file(files.client_authorities, problem);
  if (!problem) {
    made.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, problem);
  }
  if (problem) {
    return error(ErrorCode::invalid, "cannot use '{}' as the PEM certificates of client authorities: {}",
                 files.client_authorities, problem.message());
  }
  // Without a session of its own kind OpenSSL refuses to resume one whose client was verified.
  constexpr unsigned char session_kind[] = {'p', 'a', 'b', 'a', 'l'};
  SSL_CTX_set_session_id_context(made.native_handle(), session_kind, sizeof session_kind);
  return made;
}

}  // namespace pabal::runtime
