#include "calls/retry_budget.h"

#include <algorithm>

namespace pabal::calls {

bool RetryBudget::take(Instant now) {
  if (tokens_ < reserve_ && filled_at_ != Instant()) {
    double filled = reserve_ * static_cast<double>((now - filled_at_).count()) /
                    static_cast<double>(Duration(reserve_fills_in).count());
    tokens_ = std::min(tokens_ + filled, reserve_);
  }
  filled_at_ = now;
  if (tokens_ < 1) return false;
  tokens_ -= 1;
  return true;
}

}  // namespace pabal::calls
