#include "broker/side_by_side.h"

#include <algorithm>

#include "runtime/all.h"

namespace pabal::broker {
namespace {

using runtime::Task;

struct Crew {
  int32_t next;
  int32_t end;
  const std::function<Task<Result<void>>(int32_t)>& work;
  Result<void> outcome = {};

  Task<char> run() {
    while (outcome && next < end) {
      auto done = co_await work(next++);
      if (!done && outcome) outcome = std::move(done);
    }
    co_return 0;
  }
};

}  // namespace

Task<Result<void>> side_by_side(int32_t from, int32_t to, std::function<Task<Result<void>>(int32_t)> work) {
  Crew crew{.next = from, .end = to, .work = work};
  auto workers = static_cast<size_t>(std::clamp(to - from, 0, side_by_side_max));
  (void)co_await runtime::all<char>(workers, [&](size_t) { return crew.run(); });
  co_return std::move(crew.outcome);
}

}  // namespace pabal::broker
