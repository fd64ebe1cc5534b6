#pragma once

#include <string>
#include <vector>

#include "cli/screen.h"

namespace pabal::cli {

// Rows under a head, each column as wide as its widest cell; the last one is cut at the edge of the terminal.
class Table {
 public:
  struct Column {
    std::string head;
    bool to_the_right = false;  // numbers
  };
  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  // A cell may be coloured; as many cells as columns.
  void add(std::vector<std::string> cells);
  [[nodiscard]] bool empty() const { return rows_.empty(); }
  void print(const Screen& screen) const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

// "name   value" lines.
void print_facts(const Screen& screen, const std::vector<std::pair<std::string, std::string>>& facts);

}  // namespace pabal::cli
