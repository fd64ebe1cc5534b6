#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/bytes.h"
#include "base/clock.h"
#include "broker/security.h"
#include "doors/http/tokens.h"
#include "protocol/kafka/header.h"
#include "protocol/scram.h"
#include "runtime/shards.h"

namespace pabal::doors {

// How clients of the Kafka door say who they are. Constant while the door is open; what it points at outlives
// the door.
struct KafkaAccess {
  bool required = false;           // else everybody may do everything
  const Tokens* tokens = nullptr;  // the HTTP door's users
  broker::Security* security = nullptr;
  // An authentication counts for so long, then the client has to repeat it (KIP-368); zero: for ever.
  Duration session_lifetime = Duration::zero();
};

constexpr Duration authentication_time_max = std::chrono::seconds(10);  // from the connection's first moment
constexpr Duration wrong_password_pause = std::chrono::milliseconds(100);
constexpr size_t stranger_frame_bytes_max = 16_KiB;

// Who is at the other end of one connection, and how far the saying of it has come. Whoever has not said it
// may ask for nothing else. Belongs to the connection's shard.
class Session {
 public:
  // What the connection itself tells of the client.
  struct Peer {
    bool tls = false;
    std::string host = {};
    bool loopback = false;
    std::string certificate_name = {};  // of a certificate that was checked
  };
  Session(const KafkaAccess& access, runtime::Shard& shard);

  // Once, before the first request.
  void meet(Peer peer);
  // Until when a client that has not said who it is has to do so.
  [[nodiscard]] Instant patience_ends() const { return patience_ends_; }
  [[nodiscard]] bool open() const { return !access_.required || !user_.empty(); }
  // Empty for a client that was not asked.
  [[nodiscard]] const std::string& user() const { return user_; }

  [[nodiscard]] const KafkaAccess& access() const { return access_; }

  // Nobody is asked, or the user is one of the file of tokens.
  [[nodiscard]] bool unrestricted() const { return !access_.required || administrator_; }
  // By the rules of access as they are now.
  [[nodiscard]] bool may(broker::AclOperation operation, broker::AclResource resource,
                         std::string_view name) const;
  // To any resource of the kind.
  [[nodiscard]] bool may_any(broker::AclOperation operation, broker::AclResource resource) const;

  // Whether the call may be looked at now; the error closes the connection.
  [[nodiscard]] Result<void> admit(kafka::ApiKey key) const;
  // The next frame is the mechanism's, without a header: SaslHandshake 0 was answered.
  [[nodiscard]] bool wants_raw() const { return raw_; }
  // The client failed: what was answered is the last it hears.
  [[nodiscard]] bool failed() const { return failed_; }

  // "PLAIN", …; what the client may choose from on this connection.
  [[nodiscard]] std::vector<std::string> mechanisms() const;
  // The next frames are the mechanism's. An error code that the client is told.
  kafka::KafkaError choose(const std::string& mechanism, bool raw);

  struct Step {
    kafka::KafkaError error = kafka::KafkaError::none;
    std::string message = {};  // of the error
    Bytes answer = {};
    Duration lifetime = Duration::zero();
  };
  // What the client said in the mechanism's own words.
  runtime::Task<Step> authenticate(Bytes said);

 private:
  [[nodiscard]] const broker::SecurityState& rules() const;
  void name_user(std::string user);
  runtime::Task<Step> refuse();
  Step accept(std::string user, Bytes answer = {});
  runtime::Task<Step> go_on(scram::Hash hash, std::string_view said);
  runtime::Task<std::optional<std::string>> check_plain(std::string_view said) const;

  const KafkaAccess& access_;
  runtime::Shard& shard_;
  Instant patience_ends_;
  Peer peer_;
  std::string user_;
  bool administrator_ = false;
  mutable std::shared_ptr<const broker::SecurityState> rules_;  // of rules_version_
  mutable uint64_t rules_version_ = 0;
  std::string mechanism_;  // chosen, and not done yet
  std::optional<scram::Exchange> exchange_;
  std::optional<Instant> ends_;
  bool logged_in_ = false;  // by SASL, whatever a certificate said before
  bool raw_ = false;
  bool failed_ = false;
};

}  // namespace pabal::doors
