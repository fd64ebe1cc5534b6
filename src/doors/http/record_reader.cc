#include "doors/http/record_reader.h"

#include <algorithm>

#include "base/bytes.h"
#include "log/record_batch.h"

namespace pabal::doors {
namespace {

constexpr size_t read_bytes_max = 1_MiB;

// One batch: the records from `next` on, as long as the budget lasts.
Result<void> read_batch(BytesView bytes, const RecordFilter& filter, Offset& next, ReadBudget& budget,
                        const std::function<void(const log::StoredRecord&)>& each) {
  auto batch = log::BatchView::parse(bytes);
  if (!batch) return std::unexpected(batch.error());
  auto read = batch->for_each([&](const log::StoredRecord& record) {
    if (record.offset < next) return true;
    if (budget.records == 0) return false;
    next = record.offset + 1;
    if (filter.matches(record)) --budget.records, each(record);
    return true;
  });
  // Compaction may leave a hole at the end of a batch.
  if (read && budget.records > 0) next = std::max(next, batch->next_offset());
  return read;
}

}  // namespace

RecordFilter RecordFilter::read(Query& query) { return {query.text("key"), query.with_prefix("header.")}; }

bool RecordFilter::matches(const log::RecordView& record) const {
  if (key && !(record.key && as_text(*record.key) == *key)) return false;
  return std::ranges::all_of(headers, [&](const auto& wanted) {
    return std::ranges::any_of(record.headers, [&](const log::HeaderView& h) {
      return h.name == wanted.first && h.value && as_text(*h.value) == wanted.second;
    });
  });
}

runtime::Task<Result<void>> read_records(broker::Broker& broker, std::string topic, PartitionIndex partition,
                                         const RecordFilter& filter, Offset& next, ReadBudget& budget,
                                         const std::function<void(const log::StoredRecord&)>& each) {
  while (budget.records > 0 && budget.scanned_bytes > 0) {
    size_t bytes = std::min(read_bytes_max, budget.scanned_bytes);
    auto read =
        co_await broker.read({.topic = topic, .partition = partition, .from = next, .bytes_max = bytes});
    if (!read) co_return std::unexpected(read.error());
    if (read->batches.empty()) {  // the end, or what lies before it is lost
      next = std::max(next, read->range.next);
      co_return Result<void>();
    }
    for (const SharedBytes& batch : read->batches) {
      auto ok = read_batch(batch.view(), filter, next, budget, each);
      if (!ok) co_return ok;
      budget.scanned_bytes -= std::min(budget.scanned_bytes, batch.size());
    }
  }
  co_return Result<void>();
}

}  // namespace pabal::doors
