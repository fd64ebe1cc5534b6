#include <algorithm>
#include <set>

#include "doors/kafka/calls.h"
#include "doors/kafka/errors.h"

// Users with their passwords, as Kafka's tools see and change them. No answer holds a salt or a key.
namespace pabal::doors {
namespace {

using kafka::KafkaError;
using kafka::ScramMechanism;
using Upsertion = kafka::AlterUserScramCredentialsRequest::ScramCredentialUpsertion;
using Described = kafka::DescribeUserScramCredentialsResponse::Result;
using Altered = kafka::AlterUserScramCredentialsResponse::Result;

std::optional<scram::Hash> hash_of(ScramMechanism mechanism) {
  if (mechanism == ScramMechanism::sha_256) return scram::Hash::sha_256;
  if (mechanism == ScramMechanism::sha_512) return scram::Hash::sha_512;
  return std::nullopt;
}

Described described(const std::string& user, const broker::SecurityState& state) {
  Described out{.user = user, .error_message = std::nullopt};
  auto found = state.users.find(user);
  if (found == state.users.end() || found->second.keys.empty()) {
    out.error_code = KafkaError::resource_not_found;
    out.error_message = "the user has no password for SCRAM";
    return out;
  }
  for (const scram::Keys& keys : found->second.keys) {
    auto mechanism = keys.hash == scram::Hash::sha_256 ? ScramMechanism::sha_256 : ScramMechanism::sha_512;
    out.credential_infos.push_back({mechanism, keys.iterations});
  }
  return out;
}

Refusal check(const KafkaCall& call, const std::string& user, ScramMechanism mechanism) {
  if (auto named = broker::check_user_name(user); !named) {
    return {KafkaError::unacceptable_credential, named.error().message};
  }
  if (!hash_of(mechanism)) {
    return {KafkaError::unsupported_sasl_mechanism, "SCRAM-SHA-256 (1) and SCRAM-SHA-512 (2) are known"};
  }
  const Tokens* tokens = call.session.access().tokens;
  if (tokens != nullptr && tokens->has_name(user)) {
    return {KafkaError::unacceptable_credential,
            "the user is one of the file of tokens, and has its token there"};
  }
  return {};
}

Refusal check(const Upsertion& wanted) {
  if (wanted.iterations < scram::iterations_min || wanted.iterations > scram::iterations_max) {
    return {KafkaError::unacceptable_credential,
            fmt::format("{} iterations; right is {} to {}", wanted.iterations, scram::iterations_min,
                        scram::iterations_max)};
  }
  size_t right = scram::size_of(*hash_of(wanted.mechanism));
  bool sound = !wanted.salt.empty() && wanted.salt.size() <= scram::salt_bytes_max &&
               wanted.salted_password.size() == right;
  if (sound) return {};
  return {KafkaError::unacceptable_credential,
          fmt::format("right is a salt of 1 to {} bytes and a salted password of {}", scram::salt_bytes_max,
                      right)};
}

Altered altered(const std::string& user, Refusal refusal) {
  if (refusal.code == KafkaError::none) return {.user = user, .error_message = std::nullopt};
  return {.user = user, .error_code = refusal.code, .error_message = std::move(refusal.message)};
}

Refusal refusal_of(const Result<void>& done) {
  if (done) return {};
  bool missing = done.error().code == ErrorCode::not_found;
  return {missing ? KafkaError::resource_not_found : kafka_error_of(done.error().code), done.error().message};
}

}  // namespace

Answer<kafka::DescribeUserScramCredentialsResponse> describe_scram(
    KafkaCall& call, kafka::DescribeUserScramCredentialsRequest request) {
  auto state = call.session.access().security->state();
  kafka::DescribeUserScramCredentialsResponse response{.error_message = std::nullopt};
  bool all = !request.users || request.users->empty();
  if (all) {
    for (const auto& [user, credentials] : state->users) response.results.push_back(described(user, *state));
    co_return response;
  }
  std::map<std::string, int> times;
  for (const auto& user : *request.users) times[user.name] += 1;
  for (const auto& [user, count] : times) {
    if (count == 1) {
      response.results.push_back(described(user, *state));
    } else {
      response.results.push_back({.user = user,
                                  .error_code = KafkaError::duplicate_resource,
                                  .error_message = "the user is named more than once"});
    }
  }
  co_return response;
}

// Each user's changes one after the other; a user that is refused keeps what it had.
Answer<kafka::AlterUserScramCredentialsResponse> alter_scram(
    KafkaCall& call, kafka::AlterUserScramCredentialsRequest request) {
  broker::Security& security = *call.session.access().security;
  kafka::AlterUserScramCredentialsResponse response;
  std::set<std::pair<std::string, ScramMechanism>> seen;
  auto note = [&](const std::string& user, Refusal refusal) {
    auto same = std::ranges::find(response.results, user, &Altered::user);
    if (same == response.results.end()) {
      response.results.push_back(altered(user, std::move(refusal)));
    } else if (refusal.code != KafkaError::none) {
      *same = altered(user, std::move(refusal));
    }
  };
  auto twice = [&](const std::string& user, ScramMechanism mechanism) {
    if (seen.emplace(user, mechanism).second) return false;
    note(user, {KafkaError::duplicate_resource, "a user and mechanism is named more than once"});
    return true;
  };
  for (const auto& one : request.deletions) {
    Refusal refusal = check(call, one.name, one.mechanism);
    if (twice(one.name, one.mechanism)) continue;
    if (refusal.code == KafkaError::none) {
      refusal = refusal_of(co_await security.put_keys(one.name, *hash_of(one.mechanism), std::nullopt));
    }
    note(one.name, std::move(refusal));
  }
  for (auto& one : request.upsertions) {
    Refusal refusal = check(call, one.name, one.mechanism);
    if (refusal.code == KafkaError::none) refusal = check(one);
    if (twice(one.name, one.mechanism)) continue;
    if (refusal.code == KafkaError::none) {
      scram::Hash hash = *hash_of(one.mechanism);
      scram::Keys keys =
          scram::keys_of_salted(hash, one.salted_password, std::move(one.salt), one.iterations);
      refusal = refusal_of(co_await security.put_keys(one.name, hash, std::move(keys)));
    }
    note(one.name, std::move(refusal));
  }
  co_return response;
}

}  // namespace pabal::doors
