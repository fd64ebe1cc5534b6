#include "shop/orders/order_generator.h"

#include <array>
#include <fmt/format.h>
#include <string_view>
#include <vector>

#include "base/random.h"

namespace shop {
namespace {

struct Article {
  std::string_view sku;
  std::string_view description;
  std::string_view price;
};

constexpr std::array<Article, 12> catalogue = {{{"SEJONG", "BOOK OF LETTERS", "12.95"},
                                                {"HAETAE", "STONE HAETAE, SMALL", "8.50"},
                                                {"KITE", "\"SHIELD\" KITE", "4.25"},
                                                {"HANJI", "HANJI PAPER, 10 SHEETS", "0.995"},
                                                {"BRUSH", "CALLIGRAPHY BRUSH", "3.75"},
                                                {"INK", "INK STICK", "1.65"},
                                                {"MOON", "MOON JAR", "48.00"},
                                                {"TEA", "BARLEY TEA", "0.125"},
                                                {"BELL", "WIND BELL", "5.95"},
                                                {"DRUM", "JANGGU, FOR CHILDREN", "19.95"},
                                                {"KNOT", "MAEDEUP KNOT", "0.85"},
                                                {"HORSE", "COURIER'S MEDAL, FIVE HORSES", "2.10"}}};

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (char c : text) result += c == '"' ? "\"\"" : std::string(1, c);
  return result + "\"";
}

class Generator {
 public:
  explicit Generator(const GeneratedOrders& options) : random_(options.seed), count_(options.count) {}

  std::string run() {
    text_ = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n";
    for (uint64_t i = 0; i < count_; ++i) {
      if (!bought_.empty() && random_.chance(0.06)) {
        cancellation(700'001 + i);
      } else {
        purchase(700'001 + i);
      }
    }
    return std::move(text_);
  }

 private:
  struct Bought {
    const Article* article;
    int64_t quantity;
    std::string customer;
  };

  void purchase(uint64_t number) {
    std::string invoice = std::to_string(number);
    std::string customer = random_.chance(0.15) ? "" : fmt::format("{}.0", 12'346 + random_.below(40));
    uint64_t lines = 1 + random_.below(5);
    for (uint64_t i = 0; i < lines; ++i) {
      const Article& article = catalogue[random_.below(catalogue.size())];
      auto quantity = static_cast<int64_t>(1 + random_.below(8));
      bool gift = random_.chance(0.03);
      line(invoice, article, quantity, gift ? "0.0" : article.price, customer);
      if (!gift) bought_.push_back({&article, quantity, customer});
    }
    if (random_.chance(0.03)) line(invoice, catalogue[0], -1, catalogue[0].price, customer);
  }

  void cancellation(uint64_t number) {
    const Bought& bought = bought_[random_.below(bought_.size())];
    auto back = static_cast<int64_t>(1 + random_.below(static_cast<uint64_t>(bought.quantity)));
    line(fmt::format("C{}", number), *bought.article, -back, bought.article->price, bought.customer);
  }

  void line(std::string_view invoice, const Article& article, int64_t quantity, std::string_view price,
            std::string_view customer) {
    text_ += fmt::format("{},{},{},{},2010-12-01 08:26:00,{},{},United Kingdom\n", invoice, article.sku,
                         quoted(article.description), quantity, price, customer);
  }

  pabal::Random random_;
  uint64_t count_;
  std::string text_;
  std::vector<Bought> bought_;
};

}  // namespace

std::string generate_orders(const GeneratedOrders& options) { return Generator(options).run(); }

}  // namespace shop
