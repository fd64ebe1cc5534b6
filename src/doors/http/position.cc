#include "doors/http/position.h"

#include <algorithm>
#include <charconv>
#include <fmt/format.h>

namespace pabal::doors {
namespace {

constexpr size_t partitions_max = 100'000;

// Takes a number that is not negative off the front of `text`.
template <class Number>
std::optional<Number> take_number(std::string_view& text) {
  Number n = 0;
  auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (failed != std::errc() || n < 0) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(stop - text.data()));
  return n;
}

bool take(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

bool is_before(const broker::PartitionOffset& at, PartitionIndex partition) {
  return at.partition < partition;
}

}  // namespace

std::optional<Position> Position::parse(std::string_view text) {
  Position position;
  do {
    auto partition = take_number<int32_t>(text);
    if (!partition || !take(text, ':')) return std::nullopt;
    auto offset = take_number<int64_t>(text);
    if (!offset || position.offsets_.size() == partitions_max) return std::nullopt;
    position.set(PartitionIndex(*partition), Offset(*offset));
  } while (take(text, ','));
  return text.empty() ? std::optional(std::move(position)) : std::nullopt;
}

std::optional<Offset> Position::at(PartitionIndex partition) const {
  auto found = std::lower_bound(offsets_.begin(), offsets_.end(), partition, is_before);
  if (found == offsets_.end() || found->partition != partition) return std::nullopt;
  return found->offset;
}

void Position::set(PartitionIndex partition, Offset next) {
  auto found = std::lower_bound(offsets_.begin(), offsets_.end(), partition, is_before);
  if (found != offsets_.end() && found->partition == partition) {
    found->offset = next;
  } else {
    offsets_.insert(found, {partition, next});
  }
}

std::string Position::text() const {
  std::string out;
  for (const auto& [partition, offset] : offsets_) {
    fmt::format_to(std::back_inserter(out), "{}{}:{}", out.empty() ? "" : ",", partition, offset);
  }
  return out;
}

}  // namespace pabal::doors
