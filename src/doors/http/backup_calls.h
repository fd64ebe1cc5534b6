#pragma once

#include <atomic>
#include <string>

#include "base/clock.h"
#include "doors/http/draining.h"
#include "doors/http/route.h"
#include "engine/engine.h"

namespace pabal::doors {

// Backups of a running server, and how many there have been. Lives as long as the table it registers in; from
// any shard.
class BackupCalls {
 public:
  BackupCalls(engine::Engine& engine, const Draining& draining, const Clock& clock)
      : engine_(engine), draining_(draining), clock_(clock) {}
  void add_to(RouteTable& table);
  void append_to(std::string& out) const;  // metrics

 private:
  using Answer = runtime::Task<Result<runtime::HttpResponse>>;
  Answer back_up(Call call);

  engine::Engine& engine_;
  const Draining& draining_;
  const Clock& clock_;
  std::atomic<uint64_t> done_ = 0;
  std::atomic<uint64_t> failed_ = 0;
  std::atomic<int64_t> last_done_s_ = 0;  // since the epoch, 0: none since the start
};

}  // namespace pabal::doors
