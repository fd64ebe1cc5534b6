#include "doors/http/filter_json.h"

#include <algorithm>
#include <array>

namespace pabal::doors {
namespace {

using broker::Match;
using protocol::JsonKind;

constexpr size_t names_max = 100;
constexpr size_t matches_max = 100;
constexpr std::string_view type_header = "ce_type";
constexpr std::array<std::string_view, 5> numeric_operators = {"=", "<", "<=", ">", ">="};
constexpr std::string_view right_match =
    "a literal, {\"prefix\"}, {\"suffix\"}, {\"numeric\": [op, n, …]}, {\"exists\": true|false} or "
    "{\"anything-but\": […]}";

// A literal as header text: a string as it is, a number or boolean as it is written.
std::optional<std::string> literal(const Field& field) {
  switch (field.value().kind()) {
    case JsonKind::string:
      return field.text();
    case JsonKind::number:
    case JsonKind::boolean:
      return std::string(field.value().raw());
    default:
      return field.wrong("a string, a number or a boolean");
  }
}

void read_numeric(const Field& field, Match& match) {
  std::optional<std::string> op;
  match.kind = Match::Kind::numeric;
  bool is_array = field.array(2 * matches_max, [&](const Field& f) {
    if (!op) {
      op = f.text();
      if (op && std::ranges::find(numeric_operators, *op) == numeric_operators.end())
        f.wrong("one of = < <= > >=");
    } else if (auto n = f.number(-1e300, 1e300)) {
      match.numeric.emplace_back(*std::exchange(op, std::nullopt), *n);
    } else {
      op.reset();
    }
  });
  if (is_array && (op || match.numeric.empty()))
    field.problem("right are pairs, such as [\">\", 100, \"<=\", 200]");
}

void read_anything_but(const Field& field, Match& match) {
  match.kind = Match::Kind::anything_but;
  auto add = [&](const Field& f) {
    if (auto text = literal(f)) match.any_of.push_back(std::move(*text));
  };
  if (field.value().is(JsonKind::array)) {
    field.array(matches_max, add);
  } else {
    add(field);
  }
}

std::optional<Match> read_match(const Field& field) {
  Match match;
  if (!field.value().is(JsonKind::object)) {
    auto text = literal(field);
    if (!text) return std::nullopt;
    match.text = std::move(*text);
    return match;
  }
  int kinds = 0;
  auto text_of = [&](Match::Kind kind) {
    return [&match, &kinds, kind](const Field& f) {
      ++kinds, match.kind = kind, match.text = f.text().value_or("");
    };
  };
  field.object({
      {"prefix", text_of(Match::Kind::prefix)},
      {"suffix", text_of(Match::Kind::suffix)},
      {"numeric", [&](const Field& f) { ++kinds, read_numeric(f, match); }},
      {"exists",
       [&](const Field& f) {
         ++kinds, match.kind = Match::Kind::exists, match.exists = f.boolean().value_or(true);
       }},
      {"anything-but", [&](const Field& f) { ++kinds, read_anything_but(f, match); }},
  });
  if (kinds != 1) field.wrong(right_match);
  return match;
}

void read_matches(const Field& field, std::string name, broker::Filter& out) {
  std::vector<Match> matches;
  field.array(matches_max, [&](const Field& f) {
    if (auto match = read_match(f)) matches.push_back(std::move(*match));
  });
  out.headers.emplace_back(std::move(name), std::move(matches));
}

Json match_json(const Match& match) {
  switch (match.kind) {
    case Match::Kind::literal:
      return match.text;
    case Match::Kind::prefix:
      return {{"prefix", match.text}};
    case Match::Kind::suffix:
      return {{"suffix", match.text}};
    case Match::Kind::exists:
      return {{"exists", match.exists}};
    case Match::Kind::anything_but:
      return {{"anything-but", match.any_of}};
    case Match::Kind::numeric:
      break;
  }
  Json pairs = Json::array();
  for (const auto& [op, n] : match.numeric) pairs.push_back(op), pairs.push_back(n);
  return {{"numeric", pairs}};
}

}  // namespace

void read_filter(const Field& field, broker::Filter& out) {
  out.headers.clear();
  if (field.is_null()) return;
  auto each_header = [&](const std::string& name, const Field& f) {
    if (out.headers.size() == names_max) return f.problem("is one header too many");
    read_matches(f, name, out);
  };
  field.object({
      {"type", [&](const Field& f) { read_matches(f, std::string(type_header), out); }},
      {"header", [&](const Field& f) { f.any_members(each_header); }},
      {"body",
       [&](const Field& f) { f.problem("is not built yet in this version: filter by type and header"); }},
  });
}

Json filter_json(const broker::Filter& filter) {
  Json json = Json::object();
  for (const auto& [name, matches] : filter.headers) {
    Json list = Json::array();
    for (const Match& match : matches) list.push_back(match_json(match));
    if (name == type_header) {
      json["type"] = std::move(list);
    } else {
      json["header"][name] = std::move(list);
    }
  }
  return json;
}

}  // namespace pabal::doors
