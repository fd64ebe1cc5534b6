#pragma once

#include <memory>

#include "broker/wakeup.h"
#include "engine/table.h"
#include "runtime/shards.h"

namespace pabal::broker {

// Gives out producer ids, none of them twice, also after a crash: a block of them is on disk as given before
// the first is. Each start goes on a random distance above the last block, so that data put back from a
// backup, or begun anew, does not give the ids again that producers still have. Calls from any shard; the
// table is made when the first one comes.
class ProducerIds {
 public:
  static constexpr int64_t block_size = 1'000;
  static constexpr int64_t start_blocks_max = int64_t{1}
                                              << 20;  // 2^63 ids last for a thousand million starts

  ProducerIds(runtime::Shard& keeper, engine::Engine& engine)
      : keeper_(keeper), engine_(engine), lock_(keeper.executor()) {}

  runtime::Task<Result<ProducerId>> next();
  runtime::Task<> stop();

 private:
  runtime::Task<Result<ProducerId>> next_here();
  runtime::Task<Result<void>> open();
  runtime::Task<bool> stop_here();

  runtime::Shard& keeper_;
  engine::Engine& engine_;
  FifoLock lock_;
  std::unique_ptr<engine::Table> table_;
  int64_t next_ = 0;
  int64_t given_up_to_ = 0;  // on disk
};

}  // namespace pabal::broker
