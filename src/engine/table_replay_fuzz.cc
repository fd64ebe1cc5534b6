#include "base/fuzz.h"
#include "engine/table_replay.h"
#include "log/record_batch.h"

namespace pabal::engine {
namespace {

std::string take_text(BytesView& input) {
  size_t size = std::min<size_t>(take_byte(input) % 32, input.size());
  std::string text(as_text(input.first(size)));
  input = input.subspan(size);
  return text;
}

// A batch of a table's log as a disk could hold it: markers, changes, pieces of a snapshot, and headers of
// any text.
Bytes take_batch(BytesView& input, int64_t base) {
  log::BatchBuilder builder;
  std::deque<std::string> texts;
  auto keep = [&](std::string text) -> std::string& { return texts.emplace_back(std::move(text)); };
  for (int left = 1 + take_byte(input) % 8; left > 0; --left) {
    uint8_t shape = take_byte(input);
    log::RecordView record;
    if ((shape & 1) != 0) record.key = as_bytes(keep(take_text(input)));
    if ((shape & 2) != 0) record.value = as_bytes(keep(take_text(input)));
    if ((shape & 4) != 0) record.headers.push_back({"x", as_bytes(keep(take_text(input)))});
    if ((shape & 8) != 0) record.headers.push_back({"s", std::nullopt});
    if ((shape & 16) != 0) record.value = as_bytes(table_begin_marker);
    if ((shape & 32) != 0) record.value = as_bytes(table_end_marker);
    builder.add(record);
  }
  Bytes batch = builder.finish();
  log::set_base_offset(batch, Offset(base));
  return batch;
}

void check_round_trip(const log::StoredRecord& record) {
  if (!record.key) return;
  auto read = TableRecord::from(record);
  if (!read) return;
  log::StoredRecord written{read->view(WallTime()), record.offset};
  auto again = TableRecord::from(written);
  check(again && again->key == read->key && again->value == read->value && again->expires == read->expires &&
            again->snapshot == read->snapshot,
        "a table's record came back changed");
}

}  // namespace
}  // namespace pabal::engine

PABAL_FUZZ(table_replay) {
  using namespace pabal;
  Offset from(take_byte(input));
  engine::TableReplay replay([](const engine::TableChange&) {});
  static_cast<void>(replay.add(input, from));
  Offset next(0);
  while (!input.empty()) {
    Bytes batch = engine::take_batch(input, next.value());
    auto view = log::BatchView::parse(batch);
    static_cast<void>(view->for_each([](const log::StoredRecord& record) {
      engine::check_round_trip(record);
      return true;
    }));
    auto end = replay.add(batch, from);
    if (!end) return;
    check(*end == view->next_offset(), "after the batch comes {}, not {}", view->next_offset(), *end);
    check(!replay.last_snapshot() || *replay.last_snapshot() < *end, "a snapshot begins above the log's end");
    next = *end;
  }
}
