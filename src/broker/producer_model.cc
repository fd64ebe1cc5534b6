#include "broker/producer_model.h"

#include <charconv>

#include "base/error.h"

namespace pabal::broker {

size_t ProducerModel::sent(SentBatch batch) {
  batches_.push_back(batch);
  return batches_.size() - 1;
}

std::string ProducerModel::name_of(size_t batch, int record) { return fmt::format("{}/{}", batch, record); }

std::string ProducerModel::text(size_t batch) const {
  return fmt::format("batch {} of producer {} in partition {}", batch, batches_[batch].producer,
                     batches_[batch].partition);
}

ProducerModel::Problem ProducerModel::answered(size_t batch, Offset base) {
  SentBatch& sent = batches_.at(batch);
  sent.confirmed = true;
  if (sent.answered && *sent.answered != base.value()) {
    return fmt::format("{} was told to stand at {} and at {}", text(batch), *sent.answered, base);
  }
  sent.answered = base.value();
  return place(batch, base.value());
}

ProducerModel::Problem ProducerModel::place(size_t batch, int64_t base) {
  Partition& partition = partitions_.at(batches_[batch].partition);
  auto [known, added] = partition.of_producer[batches_[batch].producer].try_emplace(batch, base);
  if (known->second != base) {
    return fmt::format("{} stands twice, at {} and at {}", text(batch), known->second, base);
  }
  if (!added) return std::nullopt;
  auto [there, free] = partition.batches.try_emplace(base, batch);
  if (!free) return fmt::format("offset {} is of {} and of {}", base, text(there->second), text(batch));
  return check_order(batch, base);
}

ProducerModel::Problem ProducerModel::check_order(size_t batch, int64_t base) const {
  const auto& all = partitions_[batches_[batch].partition].of_producer.at(batches_[batch].producer);
  auto here = all.find(batch);
  if (here != all.begin() && std::prev(here)->second >= base) {
    return fmt::format("{} stands at {}, before {} at {}", text(batch), base, text(std::prev(here)->first),
                       std::prev(here)->second);
  }
  if (auto after = std::next(here); after != all.end() && after->second <= base) {
    return fmt::format("{} stands at {}, behind {} at {}", text(batch), base, text(after->first),
                       after->second);
  }
  return std::nullopt;
}

ProducerModel::Problem ProducerModel::saw(size_t partition, Offset offset, const std::string& name) {
  size_t batch = 0;
  int record = 0;
  const char* end = name.data() + name.size();
  auto [slash, bad_batch] = std::from_chars(name.data(), end, batch);
  bool is_name = bad_batch == std::errc() && slash != end && *slash == '/' &&
                 std::from_chars(slash + 1, end, record).ec == std::errc() && batch < batches_.size() &&
                 batches_[batch].partition == partition && record < batches_[batch].records;
  if (!is_name) return fmt::format("offset {} of partition {} holds what nobody wrote", offset, partition);
  if (batches_[batch].lost) return fmt::format("{} was lost and is back", text(batch));
  return place(batch, offset.value() - record);
}

ProducerModel::Problem ProducerModel::saw_all(size_t partition, Offset first,
                                              const std::set<int64_t>& offsets) const {
  const auto& batches = partitions_.at(partition).batches;
  for (auto it = batches.lower_bound(first.value()); it != batches.end(); ++it) {
    for (int record = 0; record < batches_[it->second].records; ++record) {
      if (offsets.contains(it->first + record)) continue;
      return fmt::format("{} at {} is missing, or its record {}", text(it->second), it->first, record);
    }
  }
  return std::nullopt;
}

ProducerModel::Problem ProducerModel::lost(size_t partition, Offset from, bool may_be) {
  Partition& all = partitions_.at(partition);
  for (auto it = all.batches.begin(); it != all.batches.end();) {
    auto [base, batch] = *it;
    if (base + batches_[batch].records <= from.value()) {
      ++it;
      continue;
    }
    if (!may_be) return fmt::format("{} at {} is lost without a loss of power", text(batch), base);
    if (base < from.value()) return fmt::format("{} at {} is lost in part", text(batch), base);
    batches_[batch].lost = batches_[batch].confirmed;  // else its producer may send it again
    all.of_producer[batches_[batch].producer].erase(batch);
    it = all.batches.erase(it);
  }
  return std::nullopt;
}

}  // namespace pabal::broker
