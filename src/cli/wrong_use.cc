#include "cli/wrong_use.h"

#include <algorithm>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>
#include <vector>

#include "cli/screen.h"

namespace pabal::cli {
namespace {

constexpr size_t typing_errors_max = 2;

// How many letters have to be changed, added or left out to make one word of the other.
size_t distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      size_t changed = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({row[j] + 1, row[j - 1] + 1, changed}));
    }
  }
  return row.back();
}

std::string meant(const std::string& read, const std::vector<std::string>& right) {
  auto off_by = [&](const std::string& word) { return distance(read, word); };
  auto nearest = std::ranges::min_element(right, {}, off_by);
  if (nearest == right.end() || off_by(*nearest) > typing_errors_max) return "";
  return fmt::format("; did you mean {}?", *nearest);
}

// The verb that was being read, with the words before it: "pabal queue list".
struct Chosen {
  const CLI::App* verb;
  std::string words;
};
Chosen chosen_verb(const CLI::App& app) {
  Chosen chosen{&app, app.get_name()};
  while (!chosen.verb->get_subcommands().empty()) {
    chosen.verb = chosen.verb->get_subcommands().front();
    chosen.words += " " + chosen.verb->get_name();
  }
  return chosen;
}

std::vector<std::string> verbs_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::App* verb : app.get_subcommands([](const CLI::App*) { return true; }))
    names.push_back(verb->get_name());
  return names;
}

std::vector<std::string> options_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    if (!option->get_lnames().empty()) names.push_back("--" + option->get_lnames().front());
  return names;
}

std::vector<std::string> arguments_of(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options())
    if (option->get_positional()) names.push_back(option->get_name(true));
  return names;
}

std::string unknown(const Chosen& chosen, const std::string& read) {
  std::string quoted = printable(read);
  if (read.starts_with("-")) {
    auto options = options_of(*chosen.verb);
    std::string known = options.size() == 1 ? options.front() : fmt::format("{}", fmt::join(options, ", "));
    return fmt::format("{}: read '{}', which is no option here{}; right is one of {}", chosen.words, quoted,
                       meant(read.substr(0, read.find('=')), options), known);
  }
  auto verbs = verbs_of(*chosen.verb);
  if (!verbs.empty()) {
    return fmt::format("{}: read '{}', which is no verb{}; right is one of {}", chosen.words, quoted,
                       meant(read, verbs), fmt::join(verbs, ", "));
  }
  auto arguments = arguments_of(*chosen.verb);
  return fmt::format("{}: read '{}', which is one word too many; right is `{}{}{}`", chosen.words, quoted,
                     chosen.words, arguments.empty() ? "" : " ", fmt::join(arguments, " "));
}

}  // namespace

std::string wrong_use(const CLI::App& app, const CLI::ParseError& problem) {
  Chosen chosen = chosen_verb(app);
  std::vector<std::string> unread = app.remaining(true);
  if (!unread.empty()) return unknown(chosen, unread.front());
  auto verbs = verbs_of(*chosen.verb);
  if (!verbs.empty()) {
    return fmt::format("{}: a verb is missing; right is one of {}", chosen.words, fmt::join(verbs, ", "));
  }
  if (problem.get_name() == "RequiredError") {
    auto arguments = arguments_of(*chosen.verb);
    return fmt::format("{}: {}, and was not read; right is `{}{}{}`; {}", chosen.words, problem.what(),
                       chosen.words, arguments.empty() ? " …" : " ", fmt::join(arguments, " "),
                       chosen.verb->get_footer());
  }
  return fmt::format("{}: {}; `{} --help` says what is right", chosen.words, printable(problem.what()),
                     chosen.words);
}

}  // namespace pabal::cli
