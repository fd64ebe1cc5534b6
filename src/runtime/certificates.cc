#include "runtime/certificates.h"

#include <algorithm>
#include <ctime>
#include <functional>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <utility>

#include "runtime/file_system.h"
#include "runtime/replace_file.h"

namespace pabal::runtime {
namespace {

using asio::ssl::context;
using Problem = boost::system::error_code;

template <auto function>
struct Free {
  template <class T>
  void operator()(T* owned) const {
    function(owned);
  }
};

std::string text_of(BIO& bio) {
  char* data = nullptr;
  long count = BIO_get_mem_data(&bio, &data);
  return {data, static_cast<size_t>(std::max(count, 0L))};
}

std::string subject_of(const X509& certificate) {
  std::unique_ptr<BIO, Free<BIO_free>> out(BIO_new(BIO_s_mem()));
  X509_NAME_print_ex(out.get(), X509_get_subject_name(&certificate), 0, XN_FLAG_RFC2253);
  std::string text = text_of(*out);
  return text.empty() ? "no name" : text;
}

std::string serial_of(const X509& certificate) {
  std::unique_ptr<BIO, Free<BIO_free>> out(BIO_new(BIO_s_mem()));
  i2a_ASN1_INTEGER(out.get(), X509_get0_serialNumber(&certificate));
  return text_of(*out);
}

std::string end_of(const X509& certificate) {
  std::tm end = {};
  if (ASN1_TIME_to_tm(X509_get0_notAfter(&certificate), &end) != 1) return "an unreadable time";
  return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}Z", end.tm_year + 1900, end.tm_mon + 1, end.tm_mday,
                     end.tm_hour, end.tm_min, end.tm_sec);
}

Result<void> use_chain(context& into, const TlsFiles& files, const std::string& pem) {
  Problem problem;
  into.use_certificate_chain(asio::buffer(pem), problem);
  if (!problem) return {};
  return error(ErrorCode::invalid, "cannot use '{}' as a PEM certificate chain: {}", files.certificate_chain,
               problem.message());
}

Result<void> use_key(context& into, const TlsFiles& files, const std::string& pem) {
  Problem problem;
  // Without one OpenSSL would ask the terminal, and wait.
  into.set_password_callback([](size_t, context::password_purpose) { return std::string(); }, problem);
  if (!problem) into.use_private_key(asio::buffer(pem), context::pem, problem);
  // A key of another kind than the certificate's (RSA, EC) is taken without a look at the certificate.
  if (!problem && SSL_CTX_check_private_key(into.native_handle()) == 1) return {};
  ERR_clear_error();
  if (!problem || ERR_GET_LIB(static_cast<unsigned long>(problem.value())) == ERR_LIB_X509) {
    return error(ErrorCode::invalid, "'{}' is not the private key of the certificate in '{}'",
                 files.private_key, files.certificate_chain);
  }
  std::string_view hint =
      pem.find("ENCRYPTED") == std::string::npos ? "" : "; right is one without a passphrase";
  return error(ErrorCode::invalid, "cannot use '{}' as the PEM private key of '{}': {}{}", files.private_key,
               files.certificate_chain, problem.message(), hint);
}

Result<void> ask_clients(context& into, const TlsFiles& files, const std::string& pem) {
  if (files.client_authorities.empty()) return {};
  Problem problem;
  into.add_certificate_authority(asio::buffer(pem), problem);
  if (!problem)
    into.set_verify_mode(asio::ssl::verify_peer | asio::ssl::verify_fail_if_no_peer_cert, problem);
  if (problem) {
    return error(ErrorCode::invalid, "cannot use '{}' as the PEM certificates of client authorities: {}",
                 files.client_authorities, problem.message());
  }
  // Without a session of its own kind OpenSSL refuses to resume one whose client was verified.
  constexpr unsigned char session_kind[] = {'p', 'a', 'b', 'a', 'l'};
  SSL_CTX_set_session_id_context(into.native_handle(), session_kind, sizeof session_kind);
  return {};
}

}  // namespace

struct Certificates::Contents {
  std::string chain = {};
  std::string key = {};
  std::string authorities = {};
  std::string trouble = {};  // empty when all could be read

  [[nodiscard]] size_t hash() const {
    size_t all = 0;
    for (const std::string* part : {&chain, &key, &authorities, &trouble}) {
      all = (all * 31) + std::hash<std::string>()(*part);
    }
    return all;
  }
};

Result<std::shared_ptr<Certificates>> Certificates::open(TlsFiles files) {
  std::shared_ptr<Certificates> made(new Certificates(std::move(files)));
  if (auto done = made->read_again(); !done) return std::unexpected(done.error());
  return made;
}

std::shared_ptr<context> Certificates::current() const {
  std::scoped_lock lock(mutex_);
  return current_;
}

bool Certificates::changed() const { return read().hash() != seen_; }

Result<void> Certificates::read_again() {
  Contents contents = read();
  seen_ = contents.hash();
  auto made = make_context(contents);
  if (!made) return std::unexpected(made.error());
  auto next = std::make_shared<context>(std::move(*made));
  std::scoped_lock lock(mutex_);
  current_.swap(next);
  return {};
}

Certificates::Contents Certificates::read() const {
  Contents contents;
  for (auto [path, into] : {std::pair{&files_.certificate_chain, &contents.chain},
                            {&files_.private_key, &contents.key},
                            {&files_.client_authorities, &contents.authorities}}) {
    if (path->empty()) continue;
    auto bytes = read_file(system_file_system(), *path, pem_bytes_max);
    if (bytes && bytes->empty()) {
      contents.trouble = fmt::format(
          "cannot use '{}': it is empty or a pipe; right is a PEM file, which can be read again", *path);
    } else if (bytes) {
      into->assign(bytes->begin(), bytes->end());
    } else if (contents.trouble.empty()) {
      contents.trouble = fmt::format("cannot read '{}': {}", *path, bytes.error().message);
    }
  }
  return contents;
}

Result<context> Certificates::make_context(const Contents& contents) const {
  if (!contents.trouble.empty()) return error(ErrorCode::invalid, "{}", contents.trouble);
  context made(context::tls_server);
  made.set_options(context::default_workarounds | context::no_sslv2 | context::no_sslv3 | context::no_tlsv1 |
                   context::no_tlsv1_1);
  if (auto done = use_chain(made, files_, contents.chain); !done) return std::unexpected(done.error());
  if (auto done = use_key(made, files_, contents.key); !done) return std::unexpected(done.error());
  if (auto done = ask_clients(made, files_, contents.authorities); !done)
    return std::unexpected(done.error());
  return made;
}

std::string Certificates::describe() const {
  auto held = current();
  const X509* certificate = SSL_CTX_get0_certificate(held->native_handle());
  if (certificate == nullptr) return "no certificate";
  return fmt::format("{}, serial {}, valid until {}", subject_of(*certificate), serial_of(*certificate),
                     end_of(*certificate));
}

}  // namespace pabal::runtime
