#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "base/types.h"
#include "log/record_batch.h"

namespace pabal::broker {

// A batch of an idempotent producer. Its records' sequences are `first` to `last`; after 2^31 - 1 comes 0.
struct SequencedBatch {
  ProducerId producer;
  ProducerEpoch epoch;
  int32_t first;
  int32_t last;

  // nullopt: no idempotent producer built it. invalid: one did, and left out its epoch or sequence.
  static Result<std::optional<SequencedBatch>> of(const log::BatchView& batch);
  friend bool operator==(const SequencedBatch&, const SequencedBatch&) = default;
};

// What one partition knows of one idempotent producer: the rules of Kafka's brokers. A producer that nothing
// is known of may begin with any sequence, since what was known of it may have been forgotten; from then on
// each batch follows on the one before. A higher epoch begins at sequence 0; a lower one is another producer
// that does not know of it yet.
class ProducerState {
 public:
  static constexpr size_t kept_max = 5;  // batches that a client may have in flight

  // One of the latest batches of the epoch. It stands at `from` or above: where exactly is known only when
  // its commit, in which this is stored, has been made.
  struct Kept {
    int32_t first;
    int32_t last;
    Offset from;
    friend bool operator==(const Kept&, const Kept&) = default;
  };

  enum class Verdict { next, repeated, repeated_late, out_of_order, fenced };
  // Of a batch that came. repeated: find() has it. repeated_late: it was stored, and is no longer kept.
  [[nodiscard]] Verdict judge(const SequencedBatch& batch) const;
  [[nodiscard]] const Kept* find(const SequencedBatch& batch) const;
  // Takes the next batch. `keeps` is less only for a planted bug.
  void add(const SequencedBatch& batch, Offset from, size_t keeps = kept_max);

  [[nodiscard]] bool is_known() const { return !kept_.empty(); }
  [[nodiscard]] ProducerEpoch epoch() const { return epoch_; }
  [[nodiscard]] const std::vector<Kept>& kept() const { return kept_; }  // the oldest first

  // version u8 = 1 | flags u8: 1 = from sequence 0 on | epoch i16 | for each batch: first i32, last i32, from
  // i64; big-endian.
  [[nodiscard]] std::string encode() const;
  static Result<ProducerState> decode(std::string_view text);
  friend bool operator==(const ProducerState&, const ProducerState&) = default;

 private:
  ProducerEpoch epoch_{-1};
  bool whole_ = false;  // every sequence of the epoch, from 0 on, has been stored
  std::vector<Kept> kept_;
};

}  // namespace pabal::broker
