#pragma once

#include <cstdint>

#include "base/strong.h"
#include "base/uuid.h"

namespace pabal {

using Offset = Position<struct OffsetTag>;
using PartitionIndex = Strong<struct PartitionIndexTag, int32_t>;
using LeaderEpoch = Strong<struct LeaderEpochTag, int32_t>;
using ProducerId = Strong<struct ProducerIdTag, int64_t>;
using ProducerEpoch = Strong<struct ProducerEpochTag, int16_t>;

// A topic's identity: its name may be given to another topic after it is deleted.
using TopicId = Uuid;

}  // namespace pabal
