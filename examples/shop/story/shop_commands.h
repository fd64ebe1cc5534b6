#pragma once

#include <string>
#include <vector>

#include "shop/story/control.h"
#include "shop/story/supervisor.h"
#include "shop/story/world.h"

namespace shop {

// What `./dev shop` can do with the shop that is left up.
class ShopCommands {
 public:
  explicit ShopCommands(World& world) : world_(world) {}

  ControlServer::Answer run(const std::vector<std::string>& words);

 private:
  ControlServer::Answer order(const std::vector<std::string>& words);
  ControlServer::Answer show(const std::string& order_id);
  ControlServer::Answer cancel(const std::string& order_id);
  ControlServer::Answer stop(const std::string& process);
  ControlServer::Answer start(const std::string& process);
  ControlServer::Answer status();

  World& world_;
};

[[nodiscard]] std::string shop_usage();

}  // namespace shop
