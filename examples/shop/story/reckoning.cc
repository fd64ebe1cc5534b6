#include "shop/story/reckoning.h"

#include <algorithm>
#include <ranges>
#include <unordered_map>

namespace shop {
namespace {

// value / unit, halves up; neither negative.
int64_t rounded(int64_t value, int64_t unit) { return (2 * value + unit) / (2 * unit); }

class Reckoning {
 public:
  Reckoning(const OrdersFile& file, const ActRecord& record) : file_(file), record_(record) {
    for (const Purchase& purchase : file.purchases) purchases_.emplace(purchase.invoice, &purchase);
    for (const Attempt& attempt : record.attempts) invoice_of_.emplace(attempt.order_id, attempt.invoice);
    find_served_orders();
  }

  ActReport run() {
    count_orders();
    count_response_times();
    count_money(paid_, record_.ledgers.charged, report_.payments, report_.paid);
    count_money(cancelled_, record_.ledgers.refunded, report_.refunds, report_.refunded);
    count_effects();
    report_.stock = record_.ledgers.stock;
    report_.events = record_.ledgers.events;
    report_.input_lines = {file_.lines_read, file_.lines_used, file_.lines_refused()};
    for (const auto& [reason, lines] : file_.refused) {
      report_.refused_lines.insert(report_.refused_lines.end(), lines.begin(), lines.end());
    }
    std::ranges::sort(report_.refused_lines);
    if (!record_.attempts.empty()) {
      int64_t last = std::ranges::max(record_.attempts, {}, &Attempt::answered_us).answered_us;
      report_.caught_up_tenths =
          rounded(std::max<int64_t>(0, record_.ledgers.last_effect_us - last), 100'000);
    }
    return report_;
  }

 private:
  using Ids = std::set<std::string>;

  const Purchase& purchase_of(const std::string& order) const {
    return *purchases_.at(invoice_of_.at(order));
  }
  // Orders that somebody else makes meanwhile, by hand, are not part of the act.
  bool known(const std::string& order) const { return invoice_of_.contains(order); }
  bool rejected(const std::string& order) const {
    auto found = record_.ledgers.orders.find(order);
    return found != record_.ledgers.orders.end() && found->second.status == "REJECTED";
  }

  // Served is what a customer was promised, and what was done for him whatever he was told.
  void find_served_orders() {
    for (const Attempt& attempt : record_.attempts) {
      if (attempt.outcome != Attempt::Outcome::ok || rejected(attempt.order_id)) continue;
      (purchase_of(attempt.order_id).cancellation ? cancelled_ : paid_).insert(attempt.order_id);
    }
    for (const auto& [order, amount] : record_.ledgers.charged) {
      if (known(order)) paid_.insert(order);
    }
    for (const auto& [order, amount] : record_.ledgers.refunded) {
      if (known(order)) cancelled_.insert(order);
    }
    for (const auto& [order, state] : record_.ledgers.orders) {
      bool free =
          state.paid && state.status != "REJECTED" && known(order) && purchase_of(order).amount().is_zero();
      if (free) paid_.insert(order);
    }
  }

  void count_orders() {
    auto& orders = report_.orders;
    int64_t first = INT64_MAX;
    int64_t last = 0;
    for (const Attempt& attempt : record_.attempts) {
      ++orders.submitted;
      first = std::min(first, attempt.sent_us);
      if (attempt.outcome == Attempt::Outcome::failed) {
        ++orders.failed;
        if (paid_.contains(attempt.order_id)) ++orders.paid_but_told_failed;
        continue;
      }
      ++orders.answered;
      last = std::max(last, attempt.answered_us);
      orders.answered_while_server_away += std::ranges::any_of(record_.server_away_us, [&](auto& away) {
        return away.first <= attempt.answered_us && attempt.answered_us <= away.second;
      });
    }
    for (const auto& [order, state] : record_.ledgers.orders)
      orders.rejected += known(order) && rejected(order);
    orders.cancelled = static_cast<int64_t>(cancelled_.size());
    if (last > first) orders.per_second_tenths = rounded(orders.answered * 10'000'000, last - first);
  }

  void count_response_times() {
    std::vector<int64_t> took;
    for (const Attempt& attempt : record_.attempts) {
      if (attempt.outcome != Attempt::Outcome::failed) took.push_back(attempt.answered_us - attempt.sent_us);
    }
    if (took.empty()) return;
    std::ranges::sort(took);
    auto nearest_rank = [&](size_t percent) {
      return rounded(took[(percent * took.size() + 99) / 100 - 1], 100);
    };
    report_.response_ms.p50_tenths = nearest_rank(50);
    report_.response_ms.p99_tenths = nearest_rank(99);
    report_.response_ms.max_tenths = nearest_rank(100);
  }

  // One is due for each invoice that was served and costs something; each further one is a double.
  void count_money(const Ids& served, const std::vector<std::pair<std::string, Money>>& done, OnceEach& once,
                   Money& sum) {
    std::map<std::string, int64_t> times;
    for (const std::string& order : served) {
      const Purchase& purchase = purchase_of(order);
      if (purchase.cancellation || !purchase.amount().is_zero()) times.try_emplace(purchase.invoice, 0);
    }
    for (const auto& [order, amount] : done) {
      if (!known(order)) continue;
      ++times[invoice_of_.at(order)];
      sum += amount;
    }
    count(times, once);
  }

  static void count(const std::map<std::string, int64_t>& times, OnceEach& once) {
    once.due = static_cast<int64_t>(times.size());
    for (int64_t n : times | std::views::values) {
      once.done += n;
      once.lost += n == 0;
      once.doubled += std::max<int64_t>(0, n - 1);
    }
  }

  void count_effects() {
    Ids mail_due = paid_;
    mail_due.insert(cancelled_.begin(), cancelled_.end());
    count_each(mail_due, record_.ledgers.mailed, report_.emails);
    if (record_.act == "chain-3") return;  // it has order, payment and notification only
    count_each(paid_, record_.ledgers.shipped, report_.shipments);
    count_each(paid_, record_.ledgers.settled, report_.settlements);
    for (const auto& [order, points] : record_.ledgers.points)
      report_.points.done += known(order) ? points : 0;
    for (const std::string& order : paid_) report_.points.due += points(purchase_of(order));
    for (const std::string& order : cancelled_) report_.points.due -= points(purchase_of(order));
  }

  static int64_t points(const Purchase& purchase) {
    return purchase.customer.empty() ? 0 : purchase.amount().whole_pounds();
  }

  // One is due for each of `due`; what was done for another order is done, and neither lost nor doubled.
  void count_each(const Ids& due, const std::vector<std::string>& done, OnceEach& once) const {
    std::map<std::string, int64_t> times;
    for (const std::string& order : due) times.emplace(order, 0);
    for (const std::string& order : done) {
      if (known(order)) ++times[order];
    }
    count(times, once);
    once.due = static_cast<int64_t>(due.size());
  }

  const OrdersFile& file_;
  const ActRecord& record_;
  std::unordered_map<std::string, const Purchase*> purchases_;
  std::unordered_map<std::string, std::string> invoice_of_;
  Ids paid_;
  Ids cancelled_;
  ActReport report_;
};

}  // namespace

ActReport reckon(const OrdersFile& file, const ActRecord& record) { return Reckoning(file, record).run(); }

}  // namespace shop
