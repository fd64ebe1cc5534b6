#pragma once

#include "broker/queue.h"
#include "doors/http/answers.h"
#include "doors/http/fields.h"

namespace pabal::doors {

// The body of PUT /queues/{queue}. `now` is how the queue stands, or the defaults: what the members of
// backoff and push leave out keeps its value, the push secret among it.
Result<broker::QueueChange> read_queue_change(std::string_view body, const broker::QueueSettings& now);

// Settings and state as GET /queues/{queue} shows them. A push secret is shown as "set".
[[nodiscard]] Json queue_json(const broker::QueueInfo& queue);

}  // namespace pabal::doors
