#include "protocol/json.h"

#include <charconv>
#include <fmt/format.h>

#include "base/check.h"

namespace pabal::protocol {
namespace {

bool is_between_values(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == ',' || c == ':';
}

// The end of the string that begins at `at`, behind its closing quote. The text has been checked.
size_t end_of_string(std::string_view text, size_t at) {
  for (++at; text[at] != '"'; ++at) {
    if (text[at] == '\\') ++at;
  }
  return at + 1;
}

size_t end_of_nested(std::string_view text, size_t at) {
  int depth = 0;
  while (true) {
    char c = text[at];
    if (c == '"') {
      at = end_of_string(text, at);
      continue;
    }
    ++at;
    if (c == '{' || c == '[') ++depth;
    if ((c == '}' || c == ']') && --depth == 0) return at;
  }
}

size_t end_of_value(std::string_view text, size_t at) {
  char c = text[at];
  if (c == '"') return end_of_string(text, at);
  if (c == '{' || c == '[') return end_of_nested(text, at);
  while (at < text.size() && !is_between_values(text[at]) && text[at] != ']' && text[at] != '}') ++at;
  return at;
}

uint32_t hex4(std::string_view text) {
  uint32_t n = 0;
  std::from_chars(text.data(), text.data() + 4, n, 16);
  return n;
}

void append_utf8(std::string& out, uint32_t c) {
  if (c < 0x80) {
    out += static_cast<char>(c);
  } else if (c < 0x800) {
    out += static_cast<char>(0xc0 | (c >> 6));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else if (c < 0x10000) {
    out += static_cast<char>(0xe0 | (c >> 12));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (c >> 18));
    out += static_cast<char>(0x80 | ((c >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((c >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (c & 0x3f));
  }
}

// Decodes the \uXXXX whose digits begin at `at`, with the second half of a pair if it is one; moves `at`
// behind.
bool append_escaped(std::string& out, std::string_view text, size_t& at) {
  uint32_t c = hex4(text.substr(at));
  at += 4;
  if (c >= 0xdc00 && c <= 0xdfff) return false;
  if (c < 0xd800 || c > 0xdbff) return append_utf8(out, c), true;
  if (text.substr(at, 2) != "\\u") return false;
  uint32_t low = hex4(text.substr(at + 2));
  if (low < 0xdc00 || low > 0xdfff) return false;
  at += 6;
  append_utf8(out, 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00));
  return true;
}

char unescaped(char c) {
  switch (c) {
    case 'b':
      return '\b';
    case 'f':
      return '\f';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    default:
      return c;
  }
}

std::string_view trimmed(std::string_view text) {
  size_t first = text.find_first_not_of(" \t\r\n");
  size_t last = text.find_last_not_of(" \t\r\n");
  return text.substr(first, last - first + 1);
}

}  // namespace

std::string_view name_of(JsonKind kind) {
  switch (kind) {
    case JsonKind::null:
      return "null";
    case JsonKind::boolean:
      return "true or false";
    case JsonKind::number:
      return "a number";
    case JsonKind::string:
      return "a string";
    case JsonKind::array:
      return "an array";
    case JsonKind::object:
      return "an object";
  }
  check(false, "JSON kind {}", static_cast<int>(kind));
  return {};
}

Result<JsonView> JsonView::parse(std::string_view text) {
  if (auto ok = check_json(text); !ok) return std::unexpected(ok.error());
  return JsonView(trimmed(text));
}

JsonKind JsonView::kind() const {
  switch (raw_.front()) {
    case 'n':
      return JsonKind::null;
    case 't':
    case 'f':
      return JsonKind::boolean;
    case '"':
      return JsonKind::string;
    case '[':
      return JsonKind::array;
    case '{':
      return JsonKind::object;
    default:
      return JsonKind::number;
  }
}

std::optional<std::string> JsonView::text() const {
  if (!is(JsonKind::string)) return std::nullopt;
  std::string_view inside = raw_.substr(1, raw_.size() - 2);
  if (inside.find('\\') == std::string_view::npos) return std::string(inside);
  std::string out;
  out.reserve(inside.size());
  for (size_t at = 0; at < inside.size();) {
    char c = inside[at++];
    if (c != '\\') {
      out += c;
    } else if (char e = inside[at++]; e != 'u') {
      out += unescaped(e);
    } else if (!append_escaped(out, inside, at)) {
      return std::nullopt;
    }
  }
  return out;
}

std::optional<int64_t> JsonView::integer() const {
  int64_t n = 0;
  const char* end = raw_.data() + raw_.size();
  auto [stop, failed] = std::from_chars(raw_.data(), end, n);
  if (!is(JsonKind::number) || failed != std::errc() || stop != end) return std::nullopt;
  return n;
}

std::optional<double> JsonView::number() const {
  double n = 0;
  const char* end = raw_.data() + raw_.size();
  auto [stop, failed] = std::from_chars(raw_.data(), end, n);
  if (!is(JsonKind::number) || failed != std::errc() || stop != end) return std::nullopt;
  return n;
}

std::optional<JsonView> JsonView::member(std::string_view name) const {
  std::optional<JsonView> found;
  if (!is(JsonKind::object)) return found;
  members([&](JsonView n, JsonView value) {
    if (n.text() == name) found = value;
    return !found;
  });
  return found;
}

JsonView::Inside::Inside(std::string_view raw) {
  check(raw.front() == '{' || raw.front() == '[', "walking into a JSON value that starts with '{}'",
        raw.front());
  text_ = raw.substr(1, raw.size() - 2);
  skip_separators();
}

void JsonView::Inside::skip_separators() {
  while (position_ < text_.size() && is_between_values(text_[position_])) ++position_;
}

JsonView JsonView::Inside::next() {
  size_t end = end_of_value(text_, position_);
  JsonView value(text_.substr(position_, end - position_));
  position_ = end;
  skip_separators();
  return value;
}

void append_json_string(std::string& out, std::string_view text) {
  bool clean = is_utf8(text);
  out += '"';
  for (char c : text) {
    auto byte = static_cast<unsigned char>(c);
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (c == '\n') {
      out += "\\n";
    } else if (byte < 0x20) {
      out += fmt::format("\\u{:04x}", byte);
    } else if (byte >= 0x80 && !clean) {
      out += "\xef\xbf\xbd";
    } else {
      out += c;
    }
  }
  out += '"';
}

std::string json_string(std::string_view text) {
  std::string out;
  append_json_string(out, text);
  return out;
}

}  // namespace pabal::protocol
