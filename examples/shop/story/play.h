#pragma once

#include <map>
#include <string>
#include <vector>

#include "shop/story/options.h"
#include "shop/story/report.h"
#include "shop/story/screen.h"
#include "shop/story/stage.h"
#include "shop/story/supervisor.h"

namespace shop {

struct PlayedAct {
  std::string name;
  ActReport report;
  std::vector<std::string> problems;  // empty: reconciled, and as good as such an act has to be
};

// Plays acts one after the other, each in a world of its own, and counts each one twice.
class Theatre {
 public:
  // `directory` is fresh. The orders file is made up there when the options name none.
  Theatre(const StoryOptions& options, std::string directory, Screen& screen, const StopSwitch& stop);

  Result<void> prepare();
  // An error when the act could not be played to its end.
  Result<PlayedAct> play(const std::string& act);
  // A world that nobody plays in: the shop that is left up.
  Result<std::unique_ptr<World>> open_shop();
  // A few customers for that shop, so that there is something to see.
  void serve_some(World& world);
  [[nodiscard]] const std::map<std::string, std::string>& addresses() const { return addresses_; }
  // Reasons and line numbers of what the orders file holds and no act can use.
  [[nodiscard]] const OrdersFile& file() const { return whole_file_; }
  [[nodiscard]] const std::string& orders_path() const { return orders_path_; }

 private:
  [[nodiscard]] std::optional<uint64_t> limit_of(const Act& act) const;
  [[nodiscard]] WorldPlan plan_of(const std::string& name) const;
  Result<void> write_stock(const OrdersFile& file);
  Result<std::vector<std::string>> count_again(const Act& act, const std::string& directory,
                                               const PlayedAct& played);

  const StoryOptions& options_;
  std::string directory_;
  Screen& screen_;
  const StopSwitch& stop_;
  std::unique_ptr<Supervisor> supervisor_;
  std::map<std::string, std::string> addresses_;
  std::string orders_path_;
  std::string stock_path_;
  OrdersFile whole_file_;
};

}  // namespace shop
