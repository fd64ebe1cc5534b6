#include "base/logging.h"

#include <spdlog/sinks/stdout_color_sinks.h>

namespace pabal {

bool start_logging(std::string_view level) {
  auto chosen = spdlog::level::from_str(std::string(level));
  if (chosen == spdlog::level::off && level != "off") return false;
  auto logger = spdlog::get("pabal");
  if (!logger) logger = spdlog::stderr_color_mt("pabal");
  logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %^%l%$ %v", spdlog::pattern_time_type::utc);
  logger->set_level(chosen);
  spdlog::set_default_logger(std::move(logger));
  return true;
}

}  // namespace pabal
