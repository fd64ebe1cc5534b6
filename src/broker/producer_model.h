#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/types.h"

namespace pabal::broker {

// A batch that an idempotent producer sent, once or more often.
struct SentBatch {
  size_t partition;
  size_t producer;  // all that an id sent, in whatever epochs, in its order
  int records;
  std::optional<int64_t> answered = {};  // the offset that an answer gave
  bool confirmed = false;                // acknowledged, with an offset or without
  bool lost = false;                     // after that, by a topic that is not flushed, which says so
};

// What partitions must hold, told by producers and readers: every batch whole and at one place at most, those
// of one producer in the order in which it sent them, and what was acknowledged where the answer says.
// Records name their batch: "12/0" is record 0 of batch 12.
class ProducerModel {
 public:
  using Problem = std::optional<std::string>;

  explicit ProducerModel(size_t partitions) : partitions_(partitions) {}

  // Returns its number; later ones of a producer have higher numbers.
  [[nodiscard]] size_t sent(SentBatch batch);
  [[nodiscard]] const SentBatch& batch(size_t number) const { return batches_.at(number); }
  [[nodiscard]] static std::string name_of(size_t batch, int record);
  [[nodiscard]] Problem answered(size_t batch, Offset base);
  // It was told as stored, and that nobody knows any more where.
  void confirmed(size_t batch) { batches_.at(batch).confirmed = true; }

  // A reader found this at an offset.
  [[nodiscard]] Problem saw(size_t partition, Offset offset, const std::string& name);
  // A partition, at rest, has been read from `first` to its end, and holds records at these offsets.
  [[nodiscard]] Problem saw_all(size_t partition, Offset first, const std::set<int64_t>& offsets) const;
  // All that was from an offset on is lost, as its log says; whether there may have been something.
  [[nodiscard]] Problem lost(size_t partition, Offset from, bool may_be);

 private:
  struct Partition {
    std::map<int64_t, size_t> batches = {};                        // seen or answered, by offset
    std::map<size_t, std::map<size_t, int64_t>> of_producer = {};  // the same offsets by producer and batch
  };
  Problem place(size_t batch, int64_t base);
  Problem check_order(size_t batch, int64_t base) const;
  [[nodiscard]] std::string text(size_t batch) const;

  std::vector<Partition> partitions_;
  std::vector<SentBatch> batches_;
};

}  // namespace pabal::broker
