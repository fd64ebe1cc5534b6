#include <algorithm>
#include <fmt/format.h>
#include <simdjson.h>

#include "protocol/json.h"

namespace pabal::protocol {
namespace {

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_hex(char c) { return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F'); }

// One pass over a text. Each step returns false after it has noted what would have been right.
class Checker {
 public:
  explicit Checker(std::string_view text) : text_(text) {}

  Result<void> run() {
    if (!is_utf8(text_)) return error(ErrorCode::invalid, "the body is not UTF-8, which JSON has to be");
    skip_space();
    if (!value(0)) return problem();
    skip_space();
    if (at_ != text_.size()) {
      expect("the end, for one JSON value was complete");
      return problem();
    }
    return {};
  }

 private:
  [[nodiscard]] char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }
  void skip_space() {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
  }
  bool expect(std::string_view what) {
    expected_ = what;
    return false;
  }
  bool take(char c) {
    if (peek() != c || at_ == text_.size()) return false;
    ++at_;
    return true;
  }

  bool value(int depth) {
    switch (peek()) {
      case '{':
        return depth < json_depth_max ? object(depth) : expect("at most 128 levels of nesting");
      case '[':
        return depth < json_depth_max ? array(depth) : expect("at most 128 levels of nesting");
      case '"':
        return string();
      case 't':
        return word("true");
      case 'f':
        return word("false");
      case 'n':
        return word("null");
      default:
        return number();
    }
  }

  bool object(int depth) {
    ++at_;
    skip_space();
    if (take('}')) return true;
    while (true) {
      if (peek() != '"') return expect("a member name in double quotes");
      if (!string()) return false;
      skip_space();
      if (!take(':')) return expect("':' after a member name");
      skip_space();
      if (!value(depth + 1)) return false;
      skip_space();
      if (take('}')) return true;
      if (!take(',')) return expect("',' or '}' after a member");
      skip_space();
    }
  }

  bool array(int depth) {
    ++at_;
    skip_space();
    if (take(']')) return true;
    while (true) {
      if (!value(depth + 1)) return false;
      skip_space();
      if (take(']')) return true;
      if (!take(',')) return expect("',' or ']' after an element");
      skip_space();
    }
  }

  bool string() {
    ++at_;
    while (at_ < text_.size()) {
      auto c = static_cast<unsigned char>(text_[at_]);
      if (c == '"') return ++at_, true;
      if (c < 0x20) return expect("an escape such as \\n for a control character in a string");
      ++at_;
      if (c == '\\' && !escape()) return false;
    }
    return expect("'\"' at the end of a string");
  }

  bool escape() {
    if (take('u')) {
      for (int i = 0; i < 4; ++i, ++at_) {
        if (!is_hex(peek())) return expect("four hexadecimal digits after \\u");
      }
      return true;
    }
    if (at_ == text_.size() || std::string_view("\"\\/bfnrt").find(peek()) == std::string_view::npos) {
      return expect("one of \" \\ / b f n r t u after a backslash");
    }
    ++at_;
    return true;
  }

  bool word(std::string_view w) {
    if (text_.substr(at_, w.size()) != w) return expect("a JSON value");
    at_ += w.size();
    return true;
  }

  bool digits() {
    if (!is_digit(peek())) return expect("a digit");
    while (is_digit(peek())) ++at_;
    return true;
  }

  bool number() {
    size_t start = at_;
    bool negative = take('-');
    if (!is_digit(peek())) {
      if (negative) return expect("a digit after '-'");
      return expect("a JSON value");
    }
    if (peek() == '0' && at_ + 1 < text_.size() && is_digit(text_[at_ + 1])) {
      at_ = start;
      return expect("a number without leading zeros");
    }
    digits();
    if (take('.') && !digits()) return false;
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      if (!digits()) return false;
    }
    return true;
  }

  [[nodiscard]] std::string found() const {
    if (text_.empty()) return "nothing, the body is empty";
    if (at_ >= text_.size()) return "the end of the body";
    auto c = static_cast<unsigned char>(text_[at_]);
    return c >= 0x20 && c < 0x7f ? fmt::format("'{}'", text_[at_]) : fmt::format("the byte 0x{:02x}", c);
  }

  std::unexpected<Error> problem() const {
    std::string_view before = text_.substr(0, at_);
    auto line = 1 + std::count(before.begin(), before.end(), '\n');
    auto column = at_ - (before.rfind('\n') + 1) + 1;  // npos + 1 is 0
    return error(ErrorCode::invalid, "the body is not JSON: line {}, column {}: read {}, expected {}", line,
                 column, found(), expected_);
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string_view expected_;
};

}  // namespace

Result<void> check_json(std::string_view text) { return Checker(text).run(); }

bool is_utf8(std::string_view text) { return simdjson::validate_utf8(text.data(), text.size()); }

}  // namespace pabal::protocol
