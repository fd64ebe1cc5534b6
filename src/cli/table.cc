#include "cli/table.h"

#include <algorithm>

#include "base/check.h"

namespace pabal::cli {
namespace {

std::string cell(const std::string& text, size_t width, bool to_the_right, bool last) {
  size_t taken = width_of(text);
  std::string space(width - std::min(width, taken), ' ');
  if (to_the_right) return space + text;
  return last ? text : text + space;
}

}  // namespace

void Table::add(std::vector<std::string> cells) {
  check(cells.size() == columns_.size(), "{} cells for {} columns", cells.size(), columns_.size());
  rows_.push_back(std::move(cells));
}

void Table::print(const Screen& screen) const {
  std::vector<size_t> widths;
  for (const auto& column : columns_) widths.push_back(width_of(column.head));
  for (const auto& row : rows_) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], width_of(row[i]));
  }
  auto print_row = [&](const std::vector<std::string>& row, bool head) {
    std::string line;
    size_t before = 0;
    for (size_t i = 0; i < row.size(); ++i) {
      bool last = i + 1 == row.size();
      std::string text = row[i];
      // Only in a terminal is there an edge.
      if (last && screen.terminal && !columns_[i].to_the_right && before + width_of(text) > screen.columns) {
        text = fitted(text, screen.columns > before + 10 ? screen.columns - before : 10);
      }
      line += cell(text, widths[i], columns_[i].to_the_right, last);
      if (!last) line += "  ";
      before += widths[i] + 2;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    screen.line(head ? screen.dim(line) : line);
  };
  std::vector<std::string> heads;
  for (const auto& column : columns_) heads.push_back(column.head);
  print_row(heads, true);
  for (const auto& row : rows_) print_row(row, false);
}

void print_facts(const Screen& screen, const std::vector<std::pair<std::string, std::string>>& facts) {
  size_t width = 0;
  for (const auto& [name, value] : facts) width = std::max(width, width_of(name));
  for (const auto& [name, value] : facts) {
    screen.line(screen.dim(fitted(name, width)) + "  " + value);
  }
}

}  // namespace pabal::cli
