#include <nlohmann/json.hpp>

#include "base/fuzz.h"
#include "protocol/base64.h"
#include "protocol/json.h"

// Our JSON against another reader of it, and base64 against itself.

namespace pabal::protocol {
namespace {

using Json = nlohmann::json;

// Walks every value and compares it with what the other reader made of it.
void check_same(JsonView view, const Json& json) {
  switch (view.kind()) {
    case JsonKind::null:
      return check(json.is_null(), "null is {}", json.type_name());
    case JsonKind::boolean:
      return check(json.is_boolean() && json == view.boolean(), "{} is {}", view.raw(), json.type_name());
    case JsonKind::number:
      if (auto whole = view.integer(); whole && json.is_number_integer())
        check(json == *whole, "{} is not", view.raw());
      return check(json.is_number(), "a number is {}", json.type_name());
    case JsonKind::string: {
      auto text = view.text();
      return check(text && json.is_string() && json == *text, "the text {} is another", view.raw());
    }
    case JsonKind::array: {
      size_t count = 0;
      check(json.is_array(), "an array is {}", json.type_name());
      view.elements([&](JsonView element) { return check_same(element, json[count++]), true; });
      return check(count == json.size(), "{} elements of {}", count, json.size());
    }
    case JsonKind::object:
      check(json.is_object(), "an object is {}", json.type_name());
      view.members([&](JsonView name, JsonView) {
        auto text = name.text();
        check(text && json.contains(*text) && view.member(*text), "the member {} is missing", name.raw());
        return true;
      });
  }
}

void try_json(std::string_view text) {
  auto view = JsonView::parse(text);
  Json json = Json::parse(text, nullptr, false);
  if (!view) return;
  // Half a surrogate pair is JSON by its grammar, and a number may be too large; the other reader refuses
  // both.
  if (!json.is_discarded()) check_same(*view, json);
  check(JsonView::parse(view->raw()).has_value(), "a value without the space around it is none");
}

void try_texts(std::string_view text) {
  std::string quoted = json_string(text);
  auto view = JsonView::parse(quoted);
  check(view && view->is(JsonKind::string), "{} bytes as a JSON string are none", text.size());
  if (is_utf8(text)) check(view->text() == text, "{} bytes came back changed", text.size());
  check(base64_decode(base64_encode(text)) == text, "{} bytes came back changed", text.size());
  if (auto decoded = base64_decode(text))
    check(base64_encode(*decoded) == text, "two texts for the same bytes");
}

}  // namespace
}  // namespace pabal::protocol

PABAL_FUZZ(json) {
  pabal::protocol::try_json(pabal::as_text(input));
  pabal::protocol::try_texts(pabal::as_text(input));
}
