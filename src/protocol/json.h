#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/error.h"

namespace pabal::protocol {

// JSON (RFC 8259) as slices of the text it came in: nothing is copied, and the exact bytes of a value stay at
// hand, which is what a record stores.

constexpr int json_depth_max = 128;

// Checks that `text` is exactly one JSON text: its grammar, its UTF-8, at most json_depth_max levels. The
// error says line and column, what was read and what would be right.
[[nodiscard]] Result<void> check_json(std::string_view text);

enum class JsonKind { null, boolean, number, string, array, object };
// "a string", "an object", … as a message names it.
[[nodiscard]] std::string_view name_of(JsonKind kind);

// A value within a text that check_json() has accepted. A view: the text must live as long.
class JsonView {
 public:
  // Checks the whole text and returns its value, without the white space around it.
  static Result<JsonView> parse(std::string_view text);

  [[nodiscard]] std::string_view raw() const { return raw_; }  // the exact bytes of the value
  [[nodiscard]] JsonKind kind() const;
  [[nodiscard]] bool is(JsonKind k) const { return kind() == k; }

  [[nodiscard]] bool boolean() const { return raw_ == "true"; }
  // The decoded string; nullopt for another kind, and for half a surrogate pair, which no UTF-8 can say.
  [[nodiscard]] std::optional<std::string> text() const;
  // The number when it is written as an integer and fits.
  [[nodiscard]] std::optional<int64_t> integer() const;
  [[nodiscard]] std::optional<double> number() const;

  // Calls `each(JsonView)` for the elements of an array in order; returning false stops.
  template <class Each>
  void elements(Each&& each) const;
  // Calls `each(JsonView name, JsonView value)` for the members of an object in order; returning false stops.
  template <class Each>
  void members(Each&& each) const;
  // The first member of that name.
  [[nodiscard]] std::optional<JsonView> member(std::string_view name) const;

 private:
  explicit JsonView(std::string_view raw) : raw_(raw) {}
  std::string_view raw_;

  // Walks the inside of an array or object: each call takes the next value and the separator behind it.
  class Inside {
   public:
    explicit Inside(std::string_view raw);
    [[nodiscard]] bool more() const { return position_ < text_.size(); }
    JsonView next();

   private:
    void skip_separators();
    std::string_view text_;
    size_t position_ = 0;
  };
};

// `text` (UTF-8) as a JSON string with its quotes, at the end of `out`. Bytes that are not UTF-8 become
// U+FFFD.
void append_json_string(std::string& out, std::string_view text);
[[nodiscard]] std::string json_string(std::string_view text);
[[nodiscard]] bool is_utf8(std::string_view text);

template <class Each>
void JsonView::elements(Each&& each) const {
  for (Inside inside(raw_); inside.more();) {
    if (!each(inside.next())) return;
  }
}

template <class Each>
void JsonView::members(Each&& each) const {
  for (Inside inside(raw_); inside.more();) {
    JsonView name = inside.next();
    if (!each(name, inside.next())) return;
  }
}

}  // namespace pabal::protocol
