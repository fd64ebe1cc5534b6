#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "base/bytes.h"
#include "base/error.h"

// SCRAM (RFC 5802, RFC 7677), the server's side, without channel binding, as Kafka speaks it: names and
// passwords are UTF-8 as they are, without SASLprep.
//
//   client first   n,,n=USER,r=NONCE                  the name with "=2C" for a comma, "=3D" for "="
//   server first   r=NONCE+MORE,s=SALT,i=ITERATIONS
//   client final   c=biws,r=NONCE+MORE,p=PROOF
//   server final   v=SIGNATURE
namespace pabal::scram {

constexpr int iterations_min = 4096;
constexpr int iterations_max = 16'384;  // Kafka's bound
constexpr size_t salt_bytes = 16;
constexpr size_t salt_bytes_max = 256;
constexpr size_t message_bytes_max = 4'096;
constexpr size_t nonce_bytes_max = 512;
constexpr size_t password_bytes_max = 1'024;

enum class Hash { sha_256, sha_512 };
[[nodiscard]] size_t size_of(Hash hash);
[[nodiscard]] std::string_view name_of(Hash hash);  // "SCRAM-SHA-256"
[[nodiscard]] std::optional<Hash> hash_named(std::string_view mechanism);

// What the server keeps of a password: it checks one, and does not give it away.
struct Keys {
  Hash hash = Hash::sha_256;
  int iterations = iterations_min;
  Bytes salt = {};
  Bytes stored_key = {};
  Bytes server_key = {};

  friend bool operator==(const Keys&, const Keys&) = default;
};

// Takes a millisecond or more: not on a shard.
[[nodiscard]] Keys keys_of(Hash hash, std::string_view password, Bytes salt, int iterations);
// The same from what is already salted and hashed.
[[nodiscard]] Keys keys_of_salted(Hash hash, BytesView salted_password, Bytes salt, int iterations);
// Whether the password is the one that the keys were made of. Takes as long as keys_of().
[[nodiscard]] bool matches(const Keys& keys, std::string_view password);
// Keys that no password opens, but with a salt that is always the same for this name: who asks for a user
// that is not there cannot tell.
[[nodiscard]] Keys keys_of_nobody(Hash hash, std::string_view user, BytesView secret);

[[nodiscard]] Bytes random_bytes(size_t count);
[[nodiscard]] std::string new_nonce();

struct ClientFirst {
  std::string user = {};
  std::string nonce = {};
  std::string gs2_header = {};  // "n,,"
  std::string bare = {};        // without it
};
// An error (invalid) says what is wrong with the form.
[[nodiscard]] Result<ClientFirst> read_client_first(std::string_view message);

// One exchange, after the client's first message and once the keys of its user are known.
class Exchange {
 public:
  Exchange(Keys keys, ClientFirst first, std::string_view server_nonce);

  [[nodiscard]] std::string challenge() const { return challenge_; }
  // The server's last message. invalid: the form is wrong; unauthorized: the proof is.
  [[nodiscard]] Result<std::string> finish(std::string_view client_final) const;
  [[nodiscard]] const std::string& user() const { return first_.user; }

 private:
  Keys keys_;
  ClientFirst first_;
  std::string nonce_;
  std::string challenge_;
};

}  // namespace pabal::scram
