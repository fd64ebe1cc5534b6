#pragma once

#include <string>

#include "flows/facts.h"

namespace pabal::flows {

// Fills in each queue's attendance and state, and each group's.
void judge(Facts& facts);

// Everything that has not been done: ready, not looked at yet, and waiting for another try.
[[nodiscard]] int64_t waiting_of(const broker::QueueInfo& queue);

// "11,904 messages wait, none is lost."
[[nodiscard]] std::string waiting_sentence(const broker::QueueInfo& queue);

}  // namespace pabal::flows
