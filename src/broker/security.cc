#include "broker/security.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <openssl/crypto.h>
#include <openssl/sha.h>

#include "broker/names.h"
#include "broker/well_known.h"
#include "protocol/base64.h"

namespace pabal::broker {
namespace {

using Json = nlohmann::json;
using runtime::Task;

// What a key of the table begins with.
constexpr char user_mark = 'u';
constexpr char acl_mark = 'a';
constexpr std::string_view secret_key = "secret";
constexpr size_t secret_bytes = 32;

std::string in_base64(BytesView bytes) { return protocol::base64_encode(as_text(bytes)); }

Bytes bytes_at(const Json& json, const char* name) {
  auto found = json.find(name);
  if (found == json.end() || !found->is_string()) return {};
  auto bytes = protocol::base64_decode(found->get_ref<const std::string&>());
  return bytes ? Bytes(bytes->begin(), bytes->end()) : Bytes();
}

Json json_of(const scram::Keys& keys) {
  return {{"mechanism", scram::name_of(keys.hash)},
          {"iterations", keys.iterations},
          {"salt", in_base64(keys.salt)},
          {"stored_key", in_base64(keys.stored_key)},
          {"server_key", in_base64(keys.server_key)}};
}

std::optional<scram::Keys> keys_of(const Json& json) {
  if (!json.is_object()) return std::nullopt;
  auto hash =
      scram::hash_named(json.value("mechanism", Json("")).is_string() ? json.value("mechanism", "") : "");
  auto iterations = json.find("iterations");
  if (!hash || iterations == json.end() || !iterations->is_number_integer()) return std::nullopt;
  auto count = iterations->get<int64_t>();
  if (count < scram::iterations_min || count > scram::iterations_max) return std::nullopt;
  scram::Keys keys{.hash = *hash,
                   .iterations = static_cast<int>(count),
                   .salt = bytes_at(json, "salt"),
                   .stored_key = bytes_at(json, "stored_key"),
                   .server_key = bytes_at(json, "server_key")};
  size_t size = scram::size_of(*hash);
  bool sound = !keys.salt.empty() && keys.stored_key.size() == size && keys.server_key.size() == size;
  return sound ? std::optional(std::move(keys)) : std::nullopt;
}

void add_user(SecurityState& state, std::string name, Credentials credentials) {
  if (!credentials.token_digest.empty()) {
    state.owners.emplace(as_text(credentials.token_digest), name);
  }
  state.users.emplace(std::move(name), std::move(credentials));
}

Result<std::shared_ptr<SecurityState>> state_of(const engine::Table::Map& entries) {
  auto state = std::make_shared<SecurityState>();
  for (const auto& [key, entry] : entries) {
    if (key == secret_key) {
      state->secret.assign(entry.value.begin(), entry.value.end());
    } else if (key.starts_with(user_mark)) {
      auto credentials = Credentials::decode(entry.value);
      if (!credentials) return std::unexpected(credentials.error());
      add_user(*state, key.substr(1), std::move(*credentials));
    } else if (key.starts_with(acl_mark)) {
      auto acl = Acl::decode(std::string_view(key).substr(1));
      if (!acl) return std::unexpected(acl.error());
      state->acls.add(std::move(*acl));
    }
  }
  return state;
}

std::string user_key(const std::string& name) { return user_mark + name; }
std::string acl_key(const Acl& acl) { return acl_mark + acl.encode(); }

std::unexpected<Error> no_user(std::string_view name) {
  return error(ErrorCode::not_found, "there is no user {:?}", name);
}

Result<void> check_room(const SecurityState& state, const std::string& name) {
  if (state.users.contains(name) || state.users.size() < users_max) return {};
  return error(ErrorCode::over_limit, "there are {} users already, the most there can be", users_max);
}

}  // namespace

const scram::Keys* Credentials::find(scram::Hash hash) const {
  auto found = std::ranges::find(keys, hash, &scram::Keys::hash);
  return found == keys.end() ? nullptr : &*found;
}

std::string Credentials::encode() const {
  Json json{{"scram", Json::array()}};
  for (const scram::Keys& one : keys) json["scram"].push_back(json_of(one));
  if (!token_digest.empty()) json["token_sha256"] = in_base64(token_digest);
  return json.dump();
}

Result<Credentials> Credentials::decode(std::string_view text) {
  Json json = Json::parse(text, nullptr, false);
  auto list = json.is_object() ? json.find("scram") : json.end();
  Credentials credentials;
  bool sound = json.is_object() && list != json.end() && list->is_array();
  for (size_t i = 0; sound && i < list->size(); ++i) {
    auto keys = keys_of((*list)[i]);
    sound = keys && credentials.find(keys->hash) == nullptr;
    if (sound) credentials.keys.push_back(std::move(*keys));
  }
  if (!sound) return error(ErrorCode::corrupt, "a user's record of {} bytes cannot be read", text.size());
  credentials.token_digest = bytes_at(json, "token_sha256");
  return credentials;
}

Result<void> check_user_name(std::string_view name) {
  bool sound = !name.empty() && name != any_name && name.size() <= user_name_bytes_max && is_utf8(name) &&
               std::ranges::none_of(name, [](unsigned char c) { return c < 0x20 || c == 0x7f; });
  if (sound) return {};
  return error(ErrorCode::invalid,
               "the name of a user: read {:?}; right is 1 to {} bytes of UTF-8 without control characters",
               name.substr(0, 80), user_name_bytes_max);
}

Bytes token_digest(std::string_view token) {
  Bytes digest(SHA256_DIGEST_LENGTH);
  SHA256(as_bytes(token).data(), token.size(), digest.data());
  return digest;
}

Security::Security(runtime::Shards& shards, engine::Engine& engine)
    : shards_(shards),
      engine_(engine),
      first_secret_(scram::random_bytes(secret_bytes)),
      hashing_("pabal-hashing", 1),
      state_(std::make_shared<SecurityState>(SecurityState{.secret = first_secret_})) {}

Task<Result<std::unique_ptr<Security>>> Security::open(runtime::Shards& shards, engine::Engine& engine) {
  std::unique_ptr<Security> security(new Security(shards, engine));
  std::function<Task<Result<void>>()> load = [s = security.get()] { return s->load(); };
  auto loaded = co_await runtime::on(security->keeper().executor(), load);
  if (!loaded) co_return std::unexpected(loaded.error());
  co_return security;
}

Task<Result<void>> Security::load() {
  auto table = co_await engine::Table::open(
      engine_, keeper().timers(), security_log,
      {.name = std::string(security_log_name), .entries_max = users_max + acls_max + 1});
  if (!table) co_return std::unexpected(table.error());
  table_ = std::move(*table);
  co_return publish();
}

Result<void> Security::publish() {
  auto state = state_of(table_->entries());
  if (!state) return std::unexpected(state.error());
  if ((*state)->secret.empty()) (*state)->secret = first_secret_;
  std::lock_guard lock(mutex_);
  state_ = std::move(*state);
  version_.fetch_add(1, std::memory_order_release);
  return {};
}

std::shared_ptr<const SecurityState> Security::state() const {
  std::lock_guard lock(mutex_);
  return state_;
}

Task<Result<void>> Security::change(Make make) {
  std::function<Task<Result<void>>()> work = [this, make = std::move(make)] { return change_here(make); };
  co_return co_await runtime::on(keeper().executor(), std::move(work));
}

Task<Result<void>> Security::change_here(Make make) {
  if (changing_)
    co_return error(ErrorCode::unavailable, "users or rules are being changed by another; try again");
  auto changes = make(*state());
  if (!changes) co_return std::unexpected(changes.error());
  if (table_->find(secret_key) == nullptr) {
    changes->push_back({std::string(secret_key), std::string(as_text(first_secret_))});
  }
  changing_ = true;
  auto done = co_await table_->change(std::move(*changes));
  changing_ = false;
  co_return done ? publish() : done;
}

Task<Result<bool>> Security::put_user(std::string name, Credentials credentials) {
  if (auto fine = check_user_name(name); !fine) co_return std::unexpected(fine.error());
  auto made = std::make_shared<bool>(false);
  auto done = co_await change([=](const SecurityState& state) -> Result<engine::TableChanges> {
    if (auto room = check_room(state, name); !room) return std::unexpected(room.error());
    *made = !state.users.contains(name);
    return engine::TableChanges{{user_key(name), credentials.encode()}};
  });
  if (!done) co_return std::unexpected(done.error());
  co_return *made;
}

Task<Result<void>> Security::put_keys(std::string name, scram::Hash hash, std::optional<scram::Keys> keys) {
  if (auto fine = check_user_name(name); !fine) co_return fine;
  co_return co_await change([=](const SecurityState& state) -> Result<engine::TableChanges> {
    if (auto room = check_room(state, name); !room) return std::unexpected(room.error());
    auto user = state.users.find(name);
    Credentials credentials = user == state.users.end() ? Credentials() : user->second;
    size_t removed = std::erase_if(credentials.keys, [=](const scram::Keys& k) { return k.hash == hash; });
    if (!keys && removed == 0) {
      return error(ErrorCode::not_found, "{:?} has no {}", name, scram::name_of(hash));
    }
    credentials.token_digest.clear();  // was of the password that is changed or taken away
    if (keys) credentials.keys.push_back(*keys);
    std::ranges::sort(credentials.keys, {}, &scram::Keys::hash);
    if (credentials.keys.empty()) return engine::TableChanges{{user_key(name), std::nullopt}};
    return engine::TableChanges{{user_key(name), credentials.encode()}};
  });
}

Task<Result<void>> Security::remove_user(std::string name) {
  co_return co_await change([=](const SecurityState& state) -> Result<engine::TableChanges> {
    if (!state.users.contains(name)) return no_user(name);
    return engine::TableChanges{{user_key(name), std::nullopt}};
  });
}

Task<Result<void>> Security::add_acls(std::vector<Acl> acls) {
  for (const Acl& acl : acls) {
    if (auto fine = check_acl(acl); !fine) co_return fine;
  }
  co_return co_await change([=](const SecurityState& state) -> Result<engine::TableChanges> {
    if (state.acls.size() + acls.size() > acls_max) {
      return error(ErrorCode::over_limit, "there are {} rules of access, at most {}", state.acls.size(),
                   acls_max);
    }
    engine::TableChanges changes;
    for (const Acl& acl : acls) changes.push_back({acl_key(acl), ""});
    return changes;
  });
}

Task<Result<std::vector<Acl>>> Security::remove_acls(AclFilter filter) {
  auto removed = std::make_shared<std::vector<Acl>>();
  auto done = co_await change([=](const SecurityState& state) -> Result<engine::TableChanges> {
    *removed = state.acls.find(filter);
    engine::TableChanges changes;
    for (const Acl& acl : *removed) changes.push_back({acl_key(acl), std::nullopt});
    return changes;
  });
  if (!done) co_return std::unexpected(done.error());
  co_return std::move(*removed);
}

Task<Credentials> Security::credentials_of(std::string password, bool is_token, int iterations) {
  std::function<Task<Credentials>()> work = [&]() -> Task<Credentials> {
    Credentials made;
    for (scram::Hash hash : {scram::Hash::sha_256, scram::Hash::sha_512}) {
      Bytes salt = scram::random_bytes(scram::salt_bytes);
      made.keys.push_back(scram::keys_of(hash, password, std::move(salt), iterations));
    }
    if (is_token) made.token_digest = token_digest(password);
    co_return made;
  };
  Credentials made = co_await runtime::on(hashing_.executor(), work);
  OPENSSL_cleanse(password.data(), password.size());
  co_return made;
}

scram::Keys Security::keys_for(scram::Hash hash, const std::string& user) const {
  auto now = state();
  auto found = now->users.find(user);
  const scram::Keys* keys = found == now->users.end() ? nullptr : found->second.find(hash);
  return keys != nullptr ? *keys : scram::keys_of_nobody(hash, user, now->secret);
}

Task<bool> Security::check_password(std::string user, std::string password) {
  if (password.size() > scram::password_bytes_max) co_return false;
  auto now = state();
  auto found = now->users.find(user);
  bool only_512 = found != now->users.end() && found->second.find(scram::Hash::sha_256) == nullptr;
  scram::Keys keys = keys_for(only_512 ? scram::Hash::sha_512 : scram::Hash::sha_256, user);
  std::function<Task<bool>()> work = [&]() -> Task<bool> { co_return scram::matches(keys, password); };
  bool right = co_await runtime::on(hashing_.executor(), work);
  OPENSSL_cleanse(password.data(), password.size());
  co_return right;
}

Task<> Security::stop() {
  std::function<Task<bool>()> work = [this]() -> Task<bool> {
    if (table_) co_await table_->stop();
    co_return true;
  };
  (void)co_await runtime::on(keeper().executor(), std::move(work));
}

}  // namespace pabal::broker
