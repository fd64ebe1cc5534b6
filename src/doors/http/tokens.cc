#include "doors/http/tokens.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <fmt/format.h>
#include <openssl/crypto.h>
#include <openssl/sha.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pabal::doors {
namespace {

std::string_view next_line(std::string_view& text) {
  std::string_view line = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), line.size() + 1));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view next_word(std::string_view& line) {
  line.remove_prefix(std::min(line.size(), line.find_first_not_of(" \t")));
  std::string_view word = line.substr(0, line.find_first_of(" \t"));
  line.remove_prefix(word.size());
  return word;
}

// An open file that closes itself.
struct Descriptor {
  int fd;
  ~Descriptor() {
    if (fd >= 0) ::close(fd);
  }
};

Result<std::string> read_all(int fd, const std::string& path) {
  std::string text;
  char buffer[4096];
  while (true) {
    ssize_t n = ::read(fd, buffer, sizeof buffer);
    if (n < 0) return std::unexpected(system_error(errno, path));
    if (n == 0) return text;
    text.append(buffer, static_cast<size_t>(n));
    if (text.size() > token_file_bytes_max) {
      return error(ErrorCode::too_large, "{} is larger than {} bytes", path, token_file_bytes_max);
    }
  }
}

}  // namespace

Tokens::Digest Tokens::digest_of(std::string_view token) {
  Digest digest;
  SHA256(reinterpret_cast<const unsigned char*>(token.data()), token.size(), digest.data());
  return digest;
}

Result<Tokens> Tokens::parse(std::string_view text, std::string_view source) {
  Tokens tokens;
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = next_line(text);
    std::string_view name = next_word(line);
    if (name.empty() || name.starts_with('#')) continue;
    std::string_view token = next_word(line);
    if (token.empty() || !next_word(line).empty()) {
      return error(ErrorCode::invalid, "{}, line {}: a line is `NAME TOKEN`, two words", source, number);
    }
    if (token.size() < token_bytes_min) {
      return error(ErrorCode::invalid, "{}, line {}: the token of {} is shorter than {} characters", source,
                   number, name, token_bytes_min);
    }
    if (std::ranges::find(tokens.tokens_, name, &Token::name) != tokens.tokens_.end()) {
      return error(ErrorCode::invalid, "{}, line {}: {} is there twice", source, number, name);
    }
    tokens.tokens_.push_back({std::string(name), digest_of(token)});
  }
  if (tokens.empty()) return error(ErrorCode::invalid, "{} has no token; a line is `NAME TOKEN`", source);
  return tokens;
}

Result<Tokens> Tokens::read_file(const std::string& path) {
  Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC)};
  struct stat info = {};
  if (file.fd < 0 || ::fstat(file.fd, &info) != 0) return std::unexpected(system_error(errno, path));
  if ((info.st_mode & (S_IROTH | S_IWOTH | S_IWGRP)) != 0) {
    return error(ErrorCode::forbidden,
                 "{} can be read or changed by others (mode {:03o}); right is `chmod 600 {}`", path,
                 info.st_mode & 0777U, path);
  }
  auto text = read_all(file.fd, path);
  if (!text) return std::unexpected(text.error());
  auto tokens = parse(*text, path);
  OPENSSL_cleanse(text->data(), text->size());
  return tokens;
}

bool Tokens::has_name(std::string_view name) const {
  return std::ranges::find(tokens_, name, &Token::name) != tokens_.end();
}

std::vector<std::string> Tokens::names() const {
  std::vector<std::string> names;
  for (const Token& token : tokens_) names.push_back(token.name);
  return names;
}

std::string_view Tokens::owner_of(std::string_view token) const {
  Digest digest = digest_of(token);
  std::string_view owner;
  for (const Token& t : tokens_) {
    if (CRYPTO_memcmp(t.digest.data(), digest.data(), digest.size()) == 0) owner = t.name;
  }
  return owner;
}

}  // namespace pabal::doors
