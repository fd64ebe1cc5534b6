#include "doors/kafka/session.h"

#include <algorithm>
#include <openssl/crypto.h>

#include "broker/names.h"
#include "runtime/timers.h"

namespace pabal::doors {
namespace {

using kafka::ApiKey;
using kafka::KafkaError;

constexpr std::string_view plain = "PLAIN";

bool is_greeting(ApiKey key) {
  return key == ApiKey::api_versions || key == ApiKey::sasl_handshake || key == ApiKey::sasl_authenticate;
}

}  // namespace

Session::Session(const KafkaAccess& access, runtime::Shard& shard)
    : access_(access),
      shard_(shard),
      patience_ends_(shard.timers().clock().now() + authentication_time_max) {}

void Session::meet(Peer peer) {
  peer_ = std::move(peer);
  bool usable = peer_.certificate_name.size() <= user_name_bytes_max;
  if (access_.required && usable) user_ = peer_.certificate_name;
}

Result<void> Session::admit(ApiKey key) const {
  if (!access_.required || is_greeting(key)) return {};
  if (user_.empty()) {
    return error(ErrorCode::unauthorized, "API key {} before it has said who it is (SASL)",
                 std::to_underlying(key));
  }
  if (ends_ && shard_.timers().clock().now() > *ends_) {
    return error(ErrorCode::unauthorized, "'{}' did not authenticate again within {}", user_,
                 std::chrono::duration_cast<std::chrono::seconds>(access_.session_lifetime));
  }
  return {};
}

std::vector<std::string> Session::mechanisms() const {
  std::vector<std::string> offered;
  if (peer_.tls || peer_.loopback) offered.emplace_back(plain);
  return offered;
}

KafkaError Session::choose(const std::string& mechanism, bool raw) {
  if (!access_.required) return KafkaError::illegal_sasl_state;
  std::vector<std::string> offered = mechanisms();
  if (std::ranges::find(offered, mechanism) == offered.end()) {
    failed_ = true;
    return KafkaError::unsupported_sasl_mechanism;
  }
  mechanism_ = mechanism;
  raw_ = raw;
  return KafkaError::none;
}

runtime::Task<Session::Step> Session::authenticate(Bytes said) {
  if (mechanism_.empty()) {
    failed_ = true;
    co_return Step{.error = KafkaError::illegal_sasl_state,
                   .message = "SaslAuthenticate without a SaslHandshake before it"};
  }
  auto user = check_plain(said);
  OPENSSL_cleanse(said.data(), said.size());
  if (!user) co_return co_await refuse();
  co_return accept(std::move(*user));
}

// Says no more than that it was wrong, and not at once: guessing takes its time.
runtime::Task<Session::Step> Session::refuse() {
  failed_ = true;
  co_await runtime::sleep_for(shard_.timers(), wrong_password_pause);
  co_return Step{.error = KafkaError::sasl_authentication_failed,
                 .message = fmt::format("Authentication failed: invalid credentials with SASL mechanism {}",
                                        mechanism_)};
}

Session::Step Session::accept(std::string user) {
  if (logged_in_ && user != user_) {
    failed_ = true;
    return {.error = KafkaError::sasl_authentication_failed,
            .message = "Authentication failed: another user than before on this connection"};
  }
  logged_in_ = true;
  user_ = std::move(user);
  mechanism_.clear();
  raw_ = false;
  if (access_.session_lifetime > Duration::zero()) {
    ends_ = shard_.timers().clock().now() + access_.session_lifetime;
  }
  return {.lifetime = access_.session_lifetime};
}

// authorization id (none, or the same) NUL user NUL password, RFC 4616.
std::optional<std::string> Session::check_plain(BytesView said) const {
  std::string_view text = as_text(said);
  size_t first = text.find('\0');
  size_t second = first == std::string_view::npos ? first : text.find('\0', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  std::string_view other = text.substr(0, first);
  std::string_view user = text.substr(first + 1, second - first - 1);
  std::string_view password = text.substr(second + 1);
  bool sound = !user.empty() && user.size() <= user_name_bytes_max && broker::is_utf8(user) &&
               (other.empty() || other == user);
  if (!sound || access_.tokens == nullptr) return std::nullopt;
  bool right = access_.tokens->owner_of(password) == user;
  return right ? std::optional(std::string(user)) : std::nullopt;
}

}  // namespace pabal::doors
