#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <unordered_map>

namespace pabal::flows {

// Numbers for names that come again and again (topics, queues, services, event types). Bounded: beyond the
// limit every new name is "(more names)". One thread at a time.
class Names {
 public:
  static constexpr size_t names_max = 65'535;
  static constexpr size_t bytes_max = 8 << 20;

  uint16_t number_of(std::string_view name);
  [[nodiscard]] const std::string& name_of(uint16_t number) const { return names_[number]; }
  [[nodiscard]] size_t bytes() const { return bytes_; }

  Names();

 private:
  std::deque<std::string> names_;  // stable: the map's keys are views of these
  std::unordered_map<std::string_view, uint16_t> numbers_;
  size_t bytes_ = 0;
};

}  // namespace pabal::flows
