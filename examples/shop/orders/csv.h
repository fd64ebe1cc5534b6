#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace shop {

// One record of a CSV file. A record that is not valid CSV has no fields and says why in `problem`.
struct CsvRecord {
  uint64_t line = 0;  // the line on which it begins, counted from 1
  std::vector<std::string> fields = {};
  std::string problem = {};
};

// Reads CSV as RFC 4180 has it (quoted fields may hold commas, doubled quotes and line breaks; lines end with
// LF or CRLF) from a plain or gzip-compressed file, a piece at a time. Broken CSV costs one line: the record
// is given up at its first line's end and reading goes on with the next line, so that one stray quote cannot
// swallow the orders after it. One thread.
class CsvReader {
 public:
  static constexpr size_t record_bytes_max = 65'536;
  static constexpr size_t line_bytes_max = 16'777'216;  // more without a line end is an error

  static pabal::Result<std::unique_ptr<CsvReader>> open(const std::string& path);
  virtual ~CsvReader() = default;

  // The next record, nullopt at the end of the file; an error when the file cannot be read on.
  virtual pabal::Result<std::optional<CsvRecord>> next() = 0;
};

// Reads one record at the start of `text`. `complete` says that nothing follows `text`. Gives how many bytes
// and line ends the record took; nullopt when more text is needed to say.
struct CsvStep {
  CsvRecord record;
  size_t bytes = 0;
  uint64_t lines = 0;
};
[[nodiscard]] std::optional<CsvStep> read_csv_record(std::string_view text, bool complete);

}  // namespace shop
