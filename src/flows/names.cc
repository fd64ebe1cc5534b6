#include "flows/names.h"

namespace pabal::flows {

Names::Names() {
  names_.emplace_back();  // 0: no name
  names_.emplace_back("(more names)");
  numbers_.emplace(names_[0], 0);
}

uint16_t Names::number_of(std::string_view name) {
  if (auto known = numbers_.find(name); known != numbers_.end()) return known->second;
  if (names_.size() >= names_max || bytes_ + name.size() > bytes_max) return 1;
  auto number = static_cast<uint16_t>(names_.size());
  numbers_.emplace(names_.emplace_back(name), number);
  constexpr size_t entry_overhead_bytes = 96;
  bytes_ += name.size() + entry_overhead_bytes;
  return number;
}

}  // namespace pabal::flows
