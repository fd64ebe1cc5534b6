#include "shop/orders/order_message.h"

#include <algorithm>
#include <fmt/format.h>

namespace shop {
namespace {

constexpr size_t lines_max = 10'000;
constexpr size_t text_length_max = 1'000;
constexpr size_t order_id_length_max = 60;
constexpr int64_t quantity_max = 1'000'000'000;

Result<std::string> text_field(const Json& json, const char* name) {
  auto found = json.find(name);
  if (found == json.end() || found->is_null()) return std::string();
  if (!found->is_string() || found->get_ref<const std::string&>().size() > text_length_max) {
    return error(ErrorCode::invalid, "{}: read {:.100}; expected a text of at most {} bytes", name,
                 found->dump(), text_length_max);
  }
  return found->get<std::string>();
}

Result<PurchaseLine> line_from_json(const Json& json, size_t index) {
  if (!json.is_object()) return error(ErrorCode::invalid, "lines[{}]: expected an object", index);
  auto sku = text_field(json, "sku");
  auto description = text_field(json, "description");
  auto price_text = text_field(json, "price");
  if (!sku || sku->empty())
    return error(ErrorCode::invalid, "lines[{}].sku: expected an article number", index);
  if (!description) return std::unexpected(description.error());
  auto price = price_text ? Money::parse(*price_text) : std::unexpected(price_text.error());
  if (!price || price->is_negative()) {
    return error(ErrorCode::invalid, "lines[{}].price: expected a text like \"2.55\", not negative", index);
  }
  Json quantity = json.value("quantity", Json());
  if (!quantity.is_number_integer() || quantity < 0 || quantity > quantity_max) {
    return error(ErrorCode::invalid,
                 "lines[{}].quantity: read {:.100}; expected a whole number, not negative", index,
                 quantity.dump());
  }
  return PurchaseLine{std::move(*sku), std::move(*description), quantity.get<int64_t>(), *price};
}

Result<std::vector<PurchaseLine>> lines_from_json(const Json& json) {
  Json lines = json.value("lines", Json::array());
  if (!lines.is_array() || lines.size() > lines_max) {
    return error(ErrorCode::invalid, "lines: expected an array of at most {}", lines_max);
  }
  std::vector<PurchaseLine> result;
  for (const Json& line : lines) {
    auto read = line_from_json(line, result.size());
    if (!read) return std::unexpected(read.error());
    result.push_back(std::move(*read));
  }
  return result;
}

}  // namespace

Money Order::amount() const {
  Money sum;
  for (const PurchaseLine& line : lines) sum += line.amount();
  return sum;
}

int64_t Order::pieces() const {
  int64_t sum = 0;
  for (const PurchaseLine& line : lines) sum += line.quantity;
  return sum;
}

Json to_json(const Order& order) {
  Json lines = Json::array();
  for (const PurchaseLine& line : order.lines) {
    lines.push_back({{"sku", line.sku},
                     {"description", line.description},
                     {"quantity", line.quantity},
                     {"price", line.price.to_string()}});
  }
  return {{"order_id", order.id},
          {"invoice", order.invoice},
          {"customer", order.customer},
          {"email", order.email},
          {"country", order.country},
          {"flow", order.flow},
          {"lines", lines},
          {"amount", order.amount().to_string()}};
}

Result<Order> order_from_json(const Json& json) {
  if (!json.is_object()) return error(ErrorCode::invalid, "expected a JSON object that describes an order");
  Order order;
  for (auto [name, field] : {std::pair{"order_id", &order.id},
                             {"invoice", &order.invoice},
                             {"customer", &order.customer},
                             {"email", &order.email},
                             {"country", &order.country},
                             {"flow", &order.flow}}) {
    auto text = text_field(json, name);
    if (!text) return std::unexpected(text.error());
    *field = std::move(*text);
  }
  if (!order.id.empty() && !is_order_id(order.id)) {
    return error(ErrorCode::invalid,
                 "order_id: read \"{:.100}\"; expected at most {} letters, digits and -_.", order.id,
                 order_id_length_max);
  }
  auto lines = lines_from_json(json);
  if (!lines) return std::unexpected(lines.error());
  order.lines = std::move(*lines);
  return order;
}

bool is_order_id(std::string_view text) {
  constexpr std::string_view marks = "-_.";
  return !text.empty() && text.size() <= order_id_length_max && std::ranges::all_of(text, [&](char c) {
    return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || marks.contains(c);
  });
}

}  // namespace shop
