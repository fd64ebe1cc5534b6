#pragma once

#include <array>
#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "broker/acl.h"
#include "engine/engine.h"
#include "engine/table.h"
#include "protocol/scram.h"
#include "runtime/io_threads.h"
#include "runtime/shards.h"

namespace pabal::broker {

constexpr size_t users_max = 10'000;
constexpr size_t user_name_bytes_max = 255;

// What the server keeps of a user's password; none of it gives the password away. Never printed.
struct Credentials {
  std::vector<scram::Keys> keys = {};  // one for each hash
  // SHA-256 of a password that a machine made, which is as good as a bearer token. Empty for one that a
  // person made: that is checked by way of the keys only.
  Bytes token_digest = {};

  [[nodiscard]] const scram::Keys* find(scram::Hash hash) const;
  [[nodiscard]] std::string encode() const;
  static Result<Credentials> decode(std::string_view text);

  friend bool operator==(const Credentials&, const Credentials&) = default;
};

[[nodiscard]] Result<void> check_user_name(std::string_view name);
[[nodiscard]] Bytes token_digest(std::string_view token);

// Users with their credentials, and the rules of access. Constant: a change makes another one.
struct SecurityState {
  std::map<std::string, Credentials, std::less<>> users = {};
  std::map<std::string, std::string, std::less<>> owners = {};  // of tokens, by their digest
  Acls acls = {};
  Bytes secret = {};  // for keys_of_nobody()
};

// The table `__pabal.security`. Calls may come from any shard and
// continue there; what a call changed is durable when it returns, and counts for whoever asks from then on.
class Security {
 public:
  static runtime::Task<Result<std::unique_ptr<Security>>> open(runtime::Shards& shards,
                                                               engine::Engine& engine);

  // From any thread.
  [[nodiscard]] std::shared_ptr<const SecurityState> state() const;
  // Changes with every state.
  [[nodiscard]] uint64_t version() const { return version_.load(std::memory_order_acquire); }

  // Replaces what the user had. True: there was no such user.
  runtime::Task<Result<bool>> put_user(std::string name, Credentials credentials);
  // Puts or, without keys, removes one way to log in; a user without any is gone. not_found.
  runtime::Task<Result<void>> put_keys(std::string name, scram::Hash hash, std::optional<scram::Keys> keys);
  runtime::Task<Result<void>> remove_user(std::string name);
  runtime::Task<Result<void>> add_acls(std::vector<Acl> acls);
  // What was removed.
  runtime::Task<Result<std::vector<Acl>>> remove_acls(AclFilter filter);

  // Passwords are hashed on a thread of their own.
  runtime::Task<Credentials> credentials_of(std::string password, bool is_token, int iterations);
  // Whether it is the user's password; takes as long for one that does not exist.
  runtime::Task<bool> check_password(std::string user, std::string password);
  // The user's keys, or what looks like them.
  [[nodiscard]] scram::Keys keys_for(scram::Hash hash, const std::string& user) const;

  runtime::Task<> stop();

 private:
  Security(runtime::Shards& shards, engine::Engine& engine);
  [[nodiscard]] runtime::Shard& keeper() { return shards_.at(0); }
  runtime::Task<Result<void>> load();
  // On the keeper: `make` says what changes, looking at what is.
  using Make = std::function<Result<engine::TableChanges>(const SecurityState&)>;
  runtime::Task<Result<void>> change(Make make);
  runtime::Task<Result<void>> change_here(Make make);
  Result<void> publish();

  runtime::Shards& shards_;
  engine::Engine& engine_;
  std::unique_ptr<engine::Table> table_;  // touched on the keeper only
  bool changing_ = false;                 // as is this
  Bytes first_secret_;                    // until the first change, which stores it
  runtime::IoThreads hashing_;
  mutable std::mutex mutex_;  // guards state_, which every shard reads when version_ has changed
  std::shared_ptr<const SecurityState> state_;
  std::atomic<uint64_t> version_ = 0;
};

}  // namespace pabal::broker
