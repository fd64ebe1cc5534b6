#include "flows/happenings.h"

#include <algorithm>
#include <fmt/format.h>

#include "flows/flow_graph.h"
#include "flows/words.h"

namespace pabal::flows {
namespace {

std::string dead_text(const Seen& seen) {
  std::string text = fmt::format("a message died in {}", seen.queue);
  return seen.reason.empty() ? text : fmt::format("{}: {}", text, quotable(seen.reason));
}

}  // namespace

void Happenings::see(const Seen& seen) {
  Happening h{.at = seen.at, .text = {}, .queue = std::string(seen.queue), .topic = {}, .service = {}};
  std::string service = caller_node(seen.service).name;
  switch (seen.kind) {
    case SeenKind::joined:
      h.text = fmt::format("{} joined {}", service, seen.queue);
      h.service = service;
      break;
    case SeenKind::left:
      h.text = seen.reason.empty() ? fmt::format("{} left {}", service, seen.queue)
                                   : fmt::format("{} left {} ({})", service, seen.queue, seen.reason);
      h.service = service;
      break;
    case SeenKind::dead:
      h.text = dead_text(seen);
      break;
    case SeenKind::redriven:
      h.text = fmt::format("a message was redriven into {}", seen.queue);
      break;
    case SeenKind::changed:
      h.text = seen.reason;
      h.topic = seen.topic;
      break;
    default:
      return;
  }
  add(std::move(h));
}

void Happenings::add(Happening happening) {
  // The same again within the latest few lines is one line that counts.
  constexpr size_t merged_among = 8;
  auto end = latest_.begin() + static_cast<ptrdiff_t>(std::min(merged_among, latest_.size()));
  auto same = std::find_if(latest_.begin(), end, [&](const auto& h) { return h.text == happening.text; });
  if (same != end) {
    happening.times += same->times;
    latest_.erase(same);
  }
  latest_.push_front(std::move(happening));
  if (latest_.size() > kept_max) latest_.pop_back();
}

}  // namespace pabal::flows
