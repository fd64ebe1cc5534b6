#pragma once

#include <string_view>

#include "log/record_batch.h"

namespace pabal::broker::test {

// A batch as a client builds it, whose records have these keys, each its own value.
inline Bytes batch_of(std::string_view keys) {
  log::BatchBuilder builder;
  for (size_t i = 0; i < keys.size(); ++i) {
    BytesView key = as_bytes(keys.substr(i, 1));
    builder.add({.key = key, .value = key, .timestamp = WallTime(std::chrono::milliseconds(1000 + i))});
  }
  return builder.finish();
}

// The same of an idempotent producer.
inline Bytes sequenced_batch(std::string_view keys, int64_t producer, int16_t epoch, int32_t first) {
  Bytes batch = batch_of(keys);
  log::set_producer(batch, {ProducerId(producer), ProducerEpoch(epoch), first});
  return batch;
}

}  // namespace pabal::broker::test
