#include "broker/message_reader.h"

#include <algorithm>

namespace pabal::broker {

const MessageReader::Cached* MessageReader::find(Place place) const {
  for (const Cached& cached : cached_) {
    if (cached.source == place.source && cached.base <= place.offset && place.offset < cached.next)
      return &cached;
  }
  return nullptr;
}

void MessageReader::keep(Source source, const SharedBytes& bytes) {
  auto batch = log::BatchView::parse(bytes.view());
  if (!batch || bytes.size() > cached_bytes_max || find({source, batch->base_offset()})) return;
  cached_.push_back({source, batch->base_offset(), batch->next_offset(), bytes});
  cached_bytes_ += bytes.size();
  while (cached_bytes_ > cached_bytes_max || cached_.size() > cached_batches_max) {
    cached_bytes_ -= cached_.front().bytes.size();
    cached_.pop_front();
  }
}

runtime::Task<Result<engine::ReadResult>> MessageReader::read(Place from, size_t bytes_max) {
  auto read = co_await engine_.read(log(from.source), from.offset, bytes_max);
  if (read) {
    for (const SharedBytes& bytes : read->batches) keep(from.source, bytes);
  }
  co_return read;
}

runtime::Task<Result<void>> MessageReader::read_each(std::vector<Place> places, Each each) {
  for (size_t i = 0; i < places.size();) {
    SharedBytes bytes;
    if (const Cached* cached = find(places[i])) {
      bytes = cached->bytes;
    } else {
      auto result = co_await read(places[i], read_bytes);
      bool gone = !result && result.error().code == ErrorCode::not_found;
      if (!result && !gone) co_return std::unexpected(result.error());
      if (gone || result->batches.empty()) {
        ++i;
        continue;
      }
      bytes = result->batches.front();
    }
    auto batch = log::BatchView::parse(bytes.view());
    if (!batch) co_return std::unexpected(batch.error());
    Place end{places[i].source, batch->next_offset()};
    auto done = batch->for_each([&](const log::StoredRecord& record) {
      while (i < places.size() && places[i] < Place{end.source, record.offset}) ++i;  // not in the log
      if (i < places.size() && places[i] == Place{end.source, record.offset}) each(places[i++], record);
      return i < places.size() && places[i] < end;
    });
    if (!done) co_return std::unexpected(done.error());
    while (i < places.size() && places[i] < end) ++i;
  }
  co_return Result<void>{};
}

}  // namespace pabal::broker
