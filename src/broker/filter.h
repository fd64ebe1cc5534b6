#pragma once

#include "broker/queue.h"
#include "log/record.h"

namespace pabal::broker {

// Whether a queue with this filter delivers the record. Names are and-ed, the matches of a name or-ed; of a
// header that comes more than once any value may match. A null value counts as empty.
[[nodiscard]] bool lets_through(const Filter& filter, const log::RecordView& record);

}  // namespace pabal::broker
