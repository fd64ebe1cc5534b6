#include "broker/producer_state.h"

#include <algorithm>
#include <limits>

#include "log/big_endian.h"

namespace pabal::broker {
namespace {

constexpr int32_t sequence_max = std::numeric_limits<int32_t>::max();
constexpr uint8_t version = 1;
constexpr uint8_t whole_flag = 1;
constexpr size_t head_bytes = 4;
constexpr size_t kept_bytes = 16;

int32_t sequence_after(int32_t sequence) { return sequence == sequence_max ? 0 : sequence + 1; }

}  // namespace

Result<std::optional<SequencedBatch>> SequencedBatch::of(const log::BatchView& batch) {
  log::ProducerStamp stamp = batch.producer();
  if (stamp.id == ProducerId(-1)) return std::nullopt;
  if (stamp.id < ProducerId(0) || stamp.epoch < ProducerEpoch(0) || stamp.base_sequence < 0) {
    return error(ErrorCode::invalid,
                 "a record batch of producer {} in epoch {} with sequence {}: none of them may be negative",
                 stamp.id, stamp.epoch, stamp.base_sequence);
  }
  int64_t last = int64_t{stamp.base_sequence} + (batch.last_offset() - batch.base_offset());
  if (last > sequence_max) last -= int64_t{sequence_max} + 1;
  return SequencedBatch{stamp.id, stamp.epoch, stamp.base_sequence, static_cast<int32_t>(last)};
}

ProducerState::Verdict ProducerState::judge(const SequencedBatch& batch) const {
  if (!is_known()) return Verdict::next;
  if (batch.epoch < epoch_) return Verdict::fenced;
  if (batch.epoch > epoch_) return batch.first == 0 ? Verdict::next : Verdict::out_of_order;
  if (find(batch)) return Verdict::repeated;
  int32_t stored = kept_.back().last;
  if (batch.first == sequence_after(stored)) return Verdict::next;
  // Only where nothing is missing below, and as long as the sequences have not begun again at 0: else it may
  // be one that was never stored.
  bool is_below = batch.first <= batch.last && batch.last <= stored;
  return whole_ && is_below ? Verdict::repeated_late : Verdict::out_of_order;
}

const ProducerState::Kept* ProducerState::find(const SequencedBatch& batch) const {
  if (batch.epoch != epoch_) return nullptr;
  auto same = [&](const Kept& kept) { return kept.first == batch.first && kept.last == batch.last; };
  auto found = std::ranges::find_if(kept_, same);
  return found == kept_.end() ? nullptr : &*found;
}

void ProducerState::add(const SequencedBatch& batch, Offset from, size_t keeps) {
  if (!is_known() || batch.epoch != epoch_) {
    epoch_ = batch.epoch;
    whole_ = batch.first == 0;
    kept_.clear();
  }
  if (kept_.size() == keeps) kept_.erase(kept_.begin());
  kept_.push_back({batch.first, batch.last, from});
}

std::string ProducerState::encode() const {
  Bytes bytes(head_bytes + kept_.size() * kept_bytes);
  bytes[0] = version;
  bytes[1] = whole_ ? whole_flag : 0;
  log::store<int16_t>(bytes, 2, epoch_.value());
  size_t at = head_bytes;
  for (const Kept& kept : kept_) {
    log::store<int32_t>(bytes, at, kept.first);
    log::store<int32_t>(bytes, at + 4, kept.last);
    log::store<int64_t>(bytes, at + 8, kept.from.value());
    at += kept_bytes;
  }
  return std::string(as_text(bytes));
}

Result<ProducerState> ProducerState::decode(std::string_view text) {
  BytesView bytes = as_bytes(text);
  size_t count = bytes.size() < head_bytes ? 0 : (bytes.size() - head_bytes) / kept_bytes;
  bool fits = count >= 1 && count <= kept_max && bytes.size() == head_bytes + count * kept_bytes;
  if (!fits || bytes[0] != version || bytes[1] > whole_flag) {
    return error(ErrorCode::corrupt, "{} bytes that are no producer's state", bytes.size());
  }
  ProducerState state;
  state.whole_ = bytes[1] == whole_flag;
  state.epoch_ = ProducerEpoch(log::load<int16_t>(bytes, 2));
  bool sound = state.epoch_ >= ProducerEpoch(0);
  for (size_t at = head_bytes; at < bytes.size(); at += kept_bytes) {
    Kept kept{log::load<int32_t>(bytes, at), log::load<int32_t>(bytes, at + 4),
              Offset(log::load<int64_t>(bytes, at + 8))};
    sound = sound && kept.first >= 0 && kept.last >= 0 && kept.from >= Offset(0);
    state.kept_.push_back(kept);
  }
  if (sound) return state;
  return error(ErrorCode::corrupt, "a producer's state with a negative epoch, sequence or offset");
}

}  // namespace pabal::broker
