#include "protocol/scram.h"

#include <algorithm>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>

#include "base/check.h"
#include "protocol/base64.h"

namespace pabal::scram {
namespace {

constexpr size_t nonce_random_bytes = 18;
constexpr std::string_view client_key_text = "Client Key";
constexpr std::string_view server_key_text = "Server Key";

const EVP_MD* algorithm(Hash hash) { return hash == Hash::sha_256 ? EVP_sha256() : EVP_sha512(); }

Bytes hmac(Hash hash, BytesView key, BytesView text) {
  Bytes out(size_of(hash));
  unsigned size = 0;
  const auto* done = HMAC(algorithm(hash), key.data(), static_cast<int>(key.size()), text.data(), text.size(),
                          out.data(), &size);
  check(done != nullptr && size == out.size(), "HMAC gave {} bytes", size);
  return out;
}

Bytes digest(Hash hash, BytesView text) {
  Bytes out(size_of(hash));
  unsigned size = 0;
  int done = EVP_Digest(text.data(), text.size(), out.data(), &size, algorithm(hash), nullptr);
  check(done == 1 && size == out.size(), "a digest gave {} bytes", size);
  return out;
}

bool same(BytesView a, BytesView b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

Bytes salted(Hash hash, std::string_view password, BytesView salt, int iterations) {
  Bytes out(size_of(hash));
  int done = PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(),
                               static_cast<int>(salt.size()), iterations, algorithm(hash),
                               static_cast<int>(out.size()), out.data());
  check(done == 1, "PBKDF2 failed with {} iterations", iterations);
  return out;
}

// "=2C" is a comma and "=3D" an equals sign; nullopt for any other.
std::optional<std::string> plain_name(std::string_view text) {
  std::string name;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '=') {
      name += text[i];
      continue;
    }
    std::string_view code = text.substr(i, 3);
    if (code != "=2C" && code != "=3D") return std::nullopt;
    name += code == "=2C" ? ',' : '=';
    i += 2;
  }
  return name;
}

// Takes "x=value" from the front, with the comma after it.
std::optional<std::string_view> take(std::string_view& text, std::string_view name) {
  if (!text.starts_with(name)) return std::nullopt;
  text.remove_prefix(name.size());
  std::string_view value = text.substr(0, text.find(','));
  text.remove_prefix(std::min(text.size(), value.size() + 1));
  return value;
}

std::unexpected<Error> malformed(std::string_view right) {
  return error(ErrorCode::invalid, "a message of SCRAM is wrong; right is {}", right);
}

std::string in_base64(BytesView bytes) { return protocol::base64_encode(as_text(bytes)); }

bool is_nonce(std::string_view nonce) {
  return !nonce.empty() && nonce.size() <= nonce_bytes_max &&
         std::ranges::all_of(nonce, [](char c) { return c > ' ' && c <= '~'; });
}

}  // namespace

size_t size_of(Hash hash) { return hash == Hash::sha_256 ? 32 : 64; }

std::string_view name_of(Hash hash) { return hash == Hash::sha_256 ? "SCRAM-SHA-256" : "SCRAM-SHA-512"; }

std::optional<Hash> hash_named(std::string_view mechanism) {
  for (Hash hash : {Hash::sha_256, Hash::sha_512}) {
    if (mechanism == name_of(hash)) return hash;
  }
  return std::nullopt;
}

Bytes random_bytes(size_t count) {
  Bytes bytes(count);
  check(RAND_bytes(bytes.data(), static_cast<int>(count)) == 1, "no {} random bytes to be had", count);
  return bytes;
}

std::string new_nonce() { return in_base64(random_bytes(nonce_random_bytes)); }

Keys keys_of_salted(Hash hash, BytesView salted_password, Bytes salt, int iterations) {
  Bytes client_key = hmac(hash, salted_password, as_bytes(client_key_text));
  return {.hash = hash,
          .iterations = iterations,
          .salt = std::move(salt),
          .stored_key = digest(hash, client_key),
          .server_key = hmac(hash, salted_password, as_bytes(server_key_text))};
}

Keys keys_of(Hash hash, std::string_view password, Bytes salt, int iterations) {
  Bytes hashed = salted(hash, password, salt, iterations);
  Keys keys = keys_of_salted(hash, hashed, std::move(salt), iterations);
  OPENSSL_cleanse(hashed.data(), hashed.size());
  return keys;
}

bool matches(const Keys& keys, std::string_view password) {
  Keys given = keys_of(keys.hash, password, keys.salt, keys.iterations);
  return same(given.stored_key, keys.stored_key);
}

Keys keys_of_nobody(Hash hash, std::string_view user, BytesView secret) {
  Bytes salt = hmac(hash, secret, as_bytes(fmt::format("{} {}", name_of(hash), user)));
  salt.resize(salt_bytes);
  return {.hash = hash,
          .salt = std::move(salt),
          .stored_key = random_bytes(size_of(hash)),
          .server_key = random_bytes(size_of(hash))};
}

Result<ClientFirst> read_client_first(std::string_view message) {
  constexpr std::string_view right = "n,,n=USER,r=NONCE";
  if (message.size() > message_bytes_max) return malformed("shorter");
  std::string_view rest = message;
  bool unbound = rest.starts_with("n,") || rest.starts_with("y,");
  if (!unbound) return malformed("n, or y, at the start: there is no channel binding");
  rest.remove_prefix(2);
  std::string_view other = take(rest, "a=").value_or("");
  if (other.empty() && !message.substr(2).starts_with("a=")) {
    if (!rest.starts_with(',')) return malformed(right);
    rest.remove_prefix(1);
  }
  ClientFirst first{.gs2_header = std::string(message.substr(0, message.size() - rest.size())),
                    .bare = std::string(rest)};
  auto user = take(rest, "n=");
  auto nonce = take(rest, "r=");
  if (!user || !nonce || !is_nonce(*nonce)) return malformed(right);
  auto name = plain_name(*user);
  if (!name || name->empty()) return malformed("a name with =2C for a comma and =3D for an equals sign");
  if (!other.empty() && plain_name(other) != name) return malformed("no other name to act for");
  first.user = std::move(*name);
  first.nonce = *nonce;
  return first;
}

Exchange::Exchange(Keys keys, ClientFirst first, std::string_view server_nonce)
    : keys_(std::move(keys)), first_(std::move(first)), nonce_(first_.nonce + std::string(server_nonce)) {
  challenge_ = fmt::format("r={},s={},i={}", nonce_, in_base64(keys_.salt), keys_.iterations);
}

Result<std::string> Exchange::finish(std::string_view client_final) const {
  constexpr std::string_view right = "c=biws,r=NONCE,p=PROOF";
  if (client_final.size() > message_bytes_max) return malformed("shorter");
  size_t proof_at = client_final.rfind(",p=");
  if (proof_at == std::string_view::npos) return malformed(right);
  std::string_view without_proof = client_final.substr(0, proof_at);
  std::string_view rest = without_proof;
  auto binding = take(rest, "c=");
  auto nonce = take(rest, "r=");
  // librdkafka 2.0 says its own part of the nonce twice; Kafka looks at the end of it only.
  bool ours = nonce && nonce->ends_with(nonce_);
  if (binding != in_base64(as_bytes(first_.gs2_header)) || !ours) return malformed(right);
  auto proof = protocol::base64_decode(client_final.substr(proof_at + 3));
  if (!proof || proof->size() != size_of(keys_.hash)) return malformed(right);
  std::string signed_text = fmt::format("{},{},{}", first_.bare, challenge_, without_proof);
  Bytes client_key = hmac(keys_.hash, keys_.stored_key, as_bytes(signed_text));
  for (size_t i = 0; i < client_key.size(); ++i) client_key[i] ^= static_cast<uint8_t>((*proof)[i]);
  bool right_proof = same(digest(keys_.hash, client_key), keys_.stored_key);
  OPENSSL_cleanse(client_key.data(), client_key.size());
  if (!right_proof) return error(ErrorCode::unauthorized, "the proof is wrong");
  return "v=" + in_base64(hmac(keys_.hash, keys_.server_key, as_bytes(signed_text)));
}

}  // namespace pabal::scram
