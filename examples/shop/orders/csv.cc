#include "shop/orders/csv.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <zlib.h>

namespace shop {

using pabal::error;
using pabal::ErrorCode;
using pabal::Result;

namespace {

// Walks over one record, character by character; `problem` is set when it leaves the grammar.
class RecordScanner {
 public:
  // `complete`: nothing follows the text.
  RecordScanner(std::string_view text, bool complete) : text_(text), complete_(complete) {}

  // False when the text ended before the record did.
  bool scan() {
    while (at_ < text_.size()) {
      if (!field()) return false;
      if (!problem_.empty() || ended_) return true;
    }
    return false;
  }
  // What is left at the end of the file is a record, too.
  void scan_last() {
    if (in_quotes_) {
      problem_ = "a quoted field is not closed";
    } else {
      fields_.push_back(std::move(field_));
    }
  }

  size_t at_ = 0;
  uint64_t lines_ = 0;
  bool ended_ = false;
  std::vector<std::string> fields_;
  std::string problem_;

 private:
  // Takes one character of the current field. False: no more text.
  bool field() {
    char c = text_[at_];
    if (in_quotes_) return quoted(c);
    if (c == '\r' && !complete_ && at_ + 1 == text_.size()) return false;
    if (c == '\r' && text_.substr(at_ + 1).starts_with('\n')) return ++at_, true;
    ++at_;
    if (c == '\n') {
      ++lines_;
      end_field();
      ended_ = true;
    } else if (c == ',') {
      end_field();
    } else if (c == '"' && field_.empty() && !was_quoted_) {
      in_quotes_ = true;
    } else if (c == '"' || was_quoted_) {
      problem_ = c == '"' ? "a quote inside a field that is not quoted" : "text after a closing quote";
    } else {
      field_ += c;
    }
    return true;
  }

  bool quoted(char c) {
    if (c == '"') {
      if (at_ + 1 == text_.size() && !complete_) return false;  // the next character decides what this one is
      if (text_.substr(at_ + 1).starts_with('"')) {
        field_ += '"';
        at_ += 2;
      } else {
        in_quotes_ = false;
        was_quoted_ = true;
        ++at_;
      }
      return true;
    }
    if (c == '\n') ++lines_;
    field_ += c;
    ++at_;
    return true;
  }

  void end_field() {
    fields_.push_back(std::move(field_));
    field_.clear();
    was_quoted_ = false;
  }

  std::string_view text_;
  bool complete_;
  std::string field_;
  bool in_quotes_ = false;
  bool was_quoted_ = false;
};

// The record that could not be read ends with its first line.
CsvStep refused_line(std::string_view text, std::string problem) {
  size_t end = text.find('\n');
  bool whole = end != std::string_view::npos;
  return {.record = {.problem = std::move(problem)},
          .bytes = whole ? end + 1 : text.size(),
          .lines = whole ? 1U : 0U};
}

class GzCsvReader : public CsvReader {
 public:
  explicit GzCsvReader(gzFile file, std::string path) : file_(file), path_(std::move(path)) {}
  ~GzCsvReader() override { gzclose(file_); }

  Result<std::optional<CsvRecord>> next() override {
    for (;;) {
      std::string_view rest = std::string_view(text_).substr(at_);
      if (complete_ && rest.empty()) return std::nullopt;
      if (auto step = read_csv_record(rest, complete_); step && !rest.empty()) return take(std::move(*step));
      if (auto more = read_more(); !more) return std::unexpected(more.error());
    }
  }

 private:
  CsvRecord take(CsvStep step) {
    step.record.line = line_;
    line_ += step.lines;
    at_ += step.bytes;
    return std::move(step.record);
  }

  Result<void> read_more() {
    text_.erase(0, at_);
    at_ = 0;
    size_t had = text_.size();
    if (had > CsvReader::line_bytes_max) {
      return error(ErrorCode::too_large, "{}: line {} is longer than 16 MiB; this is no file of orders",
                   path_, line_);
    }
    text_.resize(had + piece_bytes);
    int got = gzread(file_, text_.data() + had, piece_bytes);
    text_.resize(had + static_cast<size_t>(std::max(got, 0)));
    int code = Z_OK;
    const char* what = gzerror(file_, &code);
    if (got < 0 || (got == 0 && code != Z_OK && code != Z_STREAM_END)) {
      return error(ErrorCode::io_failed, "{}: cannot be read on after line {}: {}", path_, line_, what);
    }
    complete_ = got == 0;
    return {};
  }

  static constexpr unsigned piece_bytes = 65'536;
  gzFile file_;
  std::string path_;
  std::string text_;
  size_t at_ = 0;
  uint64_t line_ = 1;
  bool complete_ = false;
};

}  // namespace

std::optional<CsvStep> read_csv_record(std::string_view text, bool complete) {
  std::string_view window = text.substr(0, CsvReader::record_bytes_max);
  RecordScanner scanner(window, complete && window.size() == text.size());
  if (!scanner.scan()) {
    if (window.size() == CsvReader::record_bytes_max) {
      scanner.problem_ = "the record is longer than 64 KiB";  // an unclosed quote, most likely
    } else if (complete) {
      scanner.scan_last();
    } else {
      return std::nullopt;
    }
  }
  if (!scanner.problem_.empty()) {
    if (!complete && text.find('\n') == std::string_view::npos) return std::nullopt;
    return refused_line(text, scanner.problem_);
  }
  return CsvStep{
      .record = {.fields = std::move(scanner.fields_)}, .bytes = scanner.at_, .lines = scanner.lines_};
}

Result<std::unique_ptr<CsvReader>> CsvReader::open(const std::string& path) {
  gzFile file = gzopen(path.c_str(), "rb");
  if (file == nullptr) {
    return error(ErrorCode::io_failed, "{}: cannot be opened: {}", path, std::strerror(errno));
  }
  return std::make_unique<GzCsvReader>(file, path);
}

}  // namespace shop
