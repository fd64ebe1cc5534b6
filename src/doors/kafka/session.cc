#include "doors/kafka/session.h"

#include <algorithm>
#include <openssl/crypto.h>

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
  bool usable = broker::check_user_name(peer_.certificate_name).has_value();
  if (access_.required && usable) name_user(peer_.certificate_name);
}

void Session::name_user(std::string user) {
  user_ = std::move(user);
  administrator_ = access_.tokens != nullptr && access_.tokens->has_name(user_);
}

// The state is taken anew when it has changed: one look at a number for each question.
const broker::SecurityState& Session::rules() const {
  uint64_t version = access_.security->version();
  if (!rules_ || version != rules_version_) {
    rules_ = access_.security->state();
    rules_version_ = version;
  }
  return *rules_;
}

bool Session::may(broker::AclOperation operation, broker::AclResource resource, std::string_view name) const {
  return unrestricted() || rules().acls.allow({user_, peer_.host, operation, resource}, name);
}

bool Session::may_any(broker::AclOperation operation, broker::AclResource resource) const {
  return unrestricted() || rules().acls.allow_any({user_, peer_.host, operation, resource});
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
  std::vector<std::string> offered{std::string(scram::name_of(scram::Hash::sha_512)),
                                   std::string(scram::name_of(scram::Hash::sha_256))};
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
  exchange_.reset();
  raw_ = raw;
  return KafkaError::none;
}

runtime::Task<Session::Step> Session::authenticate(Bytes said) {
  if (mechanism_.empty()) {
    failed_ = true;
    co_return Step{.error = KafkaError::illegal_sasl_state,
                   .message = "SaslAuthenticate without a SaslHandshake before it"};
  }
  if (auto hash = scram::hash_named(mechanism_)) co_return co_await go_on(*hash, as_text(said));
  auto user = co_await check_plain(as_text(said));
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

Session::Step Session::accept(std::string user, Bytes answer) {
  if (logged_in_ && user != user_) {
    failed_ = true;
    return {.error = KafkaError::sasl_authentication_failed,
            .message = "Authentication failed: another user than before on this connection"};
  }
  logged_in_ = true;
  name_user(std::move(user));
  mechanism_.clear();
  raw_ = false;
  if (access_.session_lifetime > Duration::zero()) {
    ends_ = shard_.timers().clock().now() + access_.session_lifetime;
  }
  return {.answer = std::move(answer), .lifetime = access_.session_lifetime};
}

runtime::Task<Session::Step> Session::go_on(scram::Hash hash, std::string_view said) {
  if (!exchange_) {
    auto first = scram::read_client_first(said);
    if (!first) co_return co_await refuse();
    scram::Keys keys = access_.security->keys_for(hash, first->user);
    exchange_.emplace(std::move(keys), std::move(*first), scram::new_nonce());
    std::string challenge = exchange_->challenge();
    co_return Step{.answer = Bytes(challenge.begin(), challenge.end())};
  }
  auto last = exchange_->finish(said);
  std::string user = exchange_->user();
  exchange_.reset();
  if (!last) co_return co_await refuse();
  co_return accept(std::move(user), Bytes(last->begin(), last->end()));
}

// authorization id (none, or the same) NUL user NUL password, RFC 4616.
runtime::Task<std::optional<std::string>> Session::check_plain(std::string_view text) const {
  size_t first = text.find('\0');
  size_t second = first == std::string_view::npos ? first : text.find('\0', first + 1);
  if (second == std::string_view::npos) co_return std::nullopt;
  std::string_view other = text.substr(0, first);
  std::string user(text.substr(first + 1, second - first - 1));
  std::string password(text.substr(second + 1));
  bool sound = broker::check_user_name(user) && (other.empty() || other == user);
  if (!sound) co_return std::nullopt;
  if (access_.tokens != nullptr && access_.tokens->owner_of(password) == user) co_return user;
  bool right = co_await access_.security->check_password(user, std::move(password));
  co_return right ? std::optional(user) : std::nullopt;
}

}  // namespace pabal::doors
