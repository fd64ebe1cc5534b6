#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace pabal::doors {

constexpr size_t token_bytes_min = 16;
constexpr size_t token_file_bytes_max = 1 << 20;

// The bearer tokens that open the door. Keeps digests, not tokens, so that none can end up in a log or a
// core. Constant after it was read: safe from any shard.
class Tokens {
 public:
  // None: the door is open to whoever reaches it.
  Tokens() = default;
  // Lines `NAME TOKEN`; blank ones and those that begin with # are skipped. `source` names the text in
  // errors, which give the line and never a token.
  static Result<Tokens> parse(std::string_view text, std::string_view source);
  // The same from a file, which others must not be able to read or write.
  static Result<Tokens> read_file(const std::string& path);

  [[nodiscard]] bool empty() const { return tokens_.empty(); }
  [[nodiscard]] bool has_name(std::string_view name) const;
  [[nodiscard]] std::vector<std::string> names() const;
  // The name that belongs to a token, or empty. Takes the same time whichever token it is, or none.
  [[nodiscard]] std::string_view owner_of(std::string_view token) const;

 private:
  using Digest = std::array<uint8_t, 32>;
  struct Token {
    std::string name;
    Digest digest;
  };
  static Digest digest_of(std::string_view token);
  std::vector<Token> tokens_;
};

}  // namespace pabal::doors
