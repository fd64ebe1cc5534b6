#include "broker/producer_state.h"

#include <gtest/gtest.h>
#include <limits>

#include "broker/batch_fixture.h"

namespace pabal::broker {
namespace {

using Verdict = ProducerState::Verdict;
constexpr int32_t sequence_max = std::numeric_limits<int32_t>::max();

SequencedBatch batch(int32_t first, int32_t last, int16_t epoch = 0) {
  return {ProducerId(7), ProducerEpoch(epoch), first, last};
}

ProducerState after(std::initializer_list<SequencedBatch> batches) {
  ProducerState state;
  int64_t offset = 0;
  for (const SequencedBatch& one : batches) {
    EXPECT_EQ(state.judge(one), Verdict::next);
    state.add(one, Offset(offset++));
  }
  return state;
}

TEST(ProducerState, a_batch_follows_on_the_one_before) {
  ProducerState state = after({batch(0, 2), batch(3, 3)});
  EXPECT_EQ(state.judge(batch(4, 9)), Verdict::next);
  EXPECT_EQ(state.judge(batch(5, 9)), Verdict::out_of_order);
  EXPECT_EQ(state.judge(batch(2, 9)), Verdict::out_of_order);
  EXPECT_EQ(state.judge(batch(3, 9)), Verdict::out_of_order);
}

TEST(ProducerState, the_last_five_batches_are_known_again) {
  ProducerState state = after({batch(0, 0), batch(1, 1), batch(2, 2), batch(3, 3), batch(4, 4), batch(5, 5)});
  EXPECT_EQ(state.judge(batch(0, 0)), Verdict::repeated_late);
  for (int32_t i = 1; i <= 5; ++i) {
    EXPECT_EQ(state.judge(batch(i, i)), Verdict::repeated);
    EXPECT_EQ(state.find(batch(i, i))->from, Offset(i));
  }
  EXPECT_EQ(state.judge(batch(4, 5)), Verdict::repeated_late);  // stored, although not as one batch
}

TEST(ProducerState, an_unknown_producer_begins_where_it_is) {
  ProducerState state = after({batch(40, 41), batch(42, 42)});
  EXPECT_EQ(state.judge(batch(43, 43)), Verdict::next);
  EXPECT_EQ(state.judge(batch(40, 41)), Verdict::repeated);
  // Whether it was ever stored nobody knows.
  EXPECT_EQ(state.judge(batch(30, 31)), Verdict::out_of_order);
}

TEST(ProducerState, a_new_epoch_begins_at_zero_and_fences_the_old_one) {
  ProducerState state = after({batch(0, 4)});
  EXPECT_EQ(state.judge(batch(5, 5, 1)), Verdict::out_of_order);
  EXPECT_EQ(state.judge(batch(0, 0, 2)), Verdict::next);
  state.add(batch(0, 0, 2), Offset(9));
  EXPECT_EQ(state.judge(batch(5, 5, 0)), Verdict::fenced);
  EXPECT_EQ(state.judge(batch(0, 4, 0)), Verdict::fenced);
  EXPECT_EQ(state.judge(batch(0, 0, 2)), Verdict::repeated);
  EXPECT_EQ(state.judge(batch(1, 1, 2)), Verdict::next);
}

TEST(ProducerState, sequences_begin_again_at_zero) {
  ProducerState state =
      after({batch(sequence_max - 1, sequence_max - 1), batch(sequence_max, 1), batch(2, 2)});
  EXPECT_EQ(state.judge(batch(sequence_max, 1)), Verdict::repeated);
  EXPECT_EQ(state.judge(batch(3, 3)), Verdict::next);
  ProducerState end = after({batch(0, sequence_max)});
  EXPECT_EQ(end.judge(batch(0, 0)), Verdict::next);
}

TEST(ProducerState, comes_back_from_its_bytes_as_it_was) {
  ProducerState state = after({batch(0, 2, 3), batch(3, 3, 3)});
  std::string bytes = state.encode();
  EXPECT_EQ(*ProducerState::decode(bytes), state);
  EXPECT_FALSE(ProducerState::decode(""));
  EXPECT_FALSE(ProducerState::decode(bytes.substr(0, 4)));
  EXPECT_FALSE(ProducerState::decode(bytes + "x"));
  EXPECT_FALSE(ProducerState::decode("\x02" + bytes.substr(1)));
  EXPECT_FALSE(ProducerState::decode(bytes.substr(0, 4) + "\xff" + bytes.substr(5)));  // a negative sequence
}

TEST(SequencedBatch, is_read_from_a_batch) {
  Bytes bytes = test::sequenced_batch("abc", 9, 2, sequence_max - 1);
  EXPECT_EQ(*SequencedBatch::of(*log::BatchView::parse(bytes)),
            (SequencedBatch{ProducerId(9), ProducerEpoch(2), sequence_max - 1, 0}));
  EXPECT_EQ(*SequencedBatch::of(*log::BatchView::parse(test::batch_of("a"))), std::nullopt);
  EXPECT_FALSE(SequencedBatch::of(*log::BatchView::parse(test::sequenced_batch("a", 9, -1, 0))));
  EXPECT_FALSE(SequencedBatch::of(*log::BatchView::parse(test::sequenced_batch("a", 9, 0, -1))));
  EXPECT_FALSE(SequencedBatch::of(*log::BatchView::parse(test::sequenced_batch("a", -2, 0, 0))));
}

}  // namespace
}  // namespace pabal::broker
