#include "shop/orders/order_import.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>
#include <fmt/ranges.h>
#include <string_view>
#include <unordered_map>

#include "shop/orders/csv.h"

namespace shop {
namespace {

constexpr std::array<std::string_view, 8> columns = {"InvoiceNo",   "StockCode", "Description", "Quantity",
                                                     "InvoiceDate", "UnitPrice", "CustomerID",  "Country"};
constexpr int64_t quantity_max = 1'000'000'000;
constexpr size_t name_length_max = 40;  // of invoice and customer numbers

// Letters, digits and -_. only: it becomes an order's number, and part of addresses.
bool is_plain_name(std::string_view text) {
  constexpr std::string_view marks = "-_.";
  return !text.empty() && text.size() <= name_length_max && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || marks.contains(c);
  });
}

std::optional<int64_t> parse_quantity(std::string_view text) {
  int64_t value = 0;
  auto [end, problem] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool whole = problem == std::errc{} && end == text.data() + text.size();
  if (!whole || value > quantity_max || value < -quantity_max) return std::nullopt;
  return value;
}

// Spreadsheets write the customer 17850 as "17850.0".
std::string customer_number(std::string_view text) {
  if (text.ends_with(".0")) text.remove_suffix(2);
  return std::string(text);
}

// How many bytes the character at the start of `text` takes in UTF-8; 0 when it is not UTF-8.
size_t utf8_length(std::string_view text) {
  auto byte = [&](size_t i) { return static_cast<uint32_t>(static_cast<unsigned char>(text[i])); };
  uint32_t lead = byte(0);
  if (lead < 0x80) return 1;
  size_t length = lead < 0xC2 ? 0 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : lead < 0xF5 ? 4 : 0;
  if (length == 0 || length > text.size()) return 0;
  uint32_t code = lead & (0x7FU >> length);
  for (size_t i = 1; i < length; ++i) {
    if ((byte(i) & 0xC0) != 0x80) return 0;
    code = code << 6 | (byte(i) & 0x3F);
  }
  constexpr std::array<uint32_t, 5> smallest = {0, 0, 0x80, 0x800, 0x10000};
  bool surrogate = code >= 0xD800 && code < 0xE000;
  return code < smallest[length] || code > 0x10FFFF || surrogate ? 0 : length;
}

// JSON and mail need UTF-8; a byte that is not is read as Latin-1, as old tills write it.
std::string as_utf8(std::string_view text) {
  std::string result;
  while (!text.empty()) {
    size_t length = utf8_length(text);
    if (length > 0) {
      result.append(text.substr(0, length));
    } else {
      auto byte = static_cast<unsigned char>(text[0]);
      result += static_cast<char>(0xC0 | byte >> 6);
      result += static_cast<char>(0x80 | (byte & 0x3F));
    }
    text.remove_prefix(std::max<size_t>(length, 1));
  }
  return result;
}

class Importer {
 public:
  explicit Importer(std::optional<uint64_t> limit) : limit_(limit) {}

  // False: the limit is reached, and this record is not read any more.
  bool take(const CsvRecord& record) {
    bool eight = record.problem.empty() && record.fields.size() == columns.size();
    if (eight && limit_ && !known(record.fields[0]) && file_.purchases.size() == *limit_) return false;
    ++file_.lines_read;
    if (auto reason = eight ? add(record.fields) : "it is not eight fields of valid CSV"; !reason.empty()) {
      file_.refused[std::string(reason)].push_back(record.line);
    } else {
      ++file_.lines_used;
    }
    return true;
  }

  OrdersFile take_file() { return std::move(file_); }

 private:
  bool known(const std::string& invoice) const { return !is_plain_name(invoice) || index_.contains(invoice); }

  // Why the line is refused; empty when it is part of its order.
  std::string_view add(const std::vector<std::string>& fields) {
    if (!is_plain_name(fields[0])) return "the invoice number is missing or not readable";
    std::string customer = customer_number(fields[6]);
    if (!customer.empty() && !is_plain_name(customer)) return "the customer number is not readable";
    Purchase& purchase = purchase_of(fields[0], customer, fields[7]);
    auto quantity = parse_quantity(fields[3]);
    if (!quantity) return "the quantity is not a whole number";
    auto price = Money::parse(fields[5]);
    if (!price) return "the price is not a decimal number";
    if (*quantity <= 0 && !purchase.cancellation) return "the quantity is zero or negative";
    if (price->is_negative()) return "the price is negative";
    purchase.lines.push_back({as_utf8(fields[1]), as_utf8(fields[2]), std::abs(*quantity), *price});
    return {};
  }

  // The invoice's first line says whose it is.
  Purchase& purchase_of(const std::string& invoice, const std::string& customer, const std::string& country) {
    auto [place, fresh] = index_.try_emplace(invoice, file_.purchases.size());
    if (fresh) {
      file_.purchases.push_back({.invoice = invoice,
                                 .cancellation = invoice.starts_with('C'),
                                 .customer = customer,
                                 .country = as_utf8(country)});
    }
    return file_.purchases[place->second];
  }

  std::optional<uint64_t> limit_;
  OrdersFile file_;
  std::unordered_map<std::string, size_t> index_;
};

Result<void> check_header(const std::optional<CsvRecord>& header, const std::string& path) {
  std::vector<std::string> read = header ? header->fields : std::vector<std::string>{};
  if (!read.empty() && read[0].starts_with("\xEF\xBB\xBF")) read[0].erase(0, 3);
  if (std::ranges::equal(read, columns)) return {};
  return error(ErrorCode::invalid, "{}: line 1: expected the columns {}; read \"{:.200}\"", path,
               fmt::join(columns, ","), fmt::format("{}", fmt::join(read, ",")));
}

}  // namespace

Result<OrdersFile> read_orders(const std::string& path, std::optional<uint64_t> limit) {
  auto reader = CsvReader::open(path);
  if (!reader) return std::unexpected(reader.error());
  auto header = (*reader)->next();
  if (!header) return std::unexpected(header.error());
  if (auto right = check_header(*header, path); !right) return std::unexpected(right.error());
  Importer importer(limit);
  for (;;) {
    auto record = (*reader)->next();
    if (!record) return std::unexpected(record.error());
    if (!*record || !importer.take(**record)) return importer.take_file();
  }
}

}  // namespace shop
