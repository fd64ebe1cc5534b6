#include "protocol/kafka/list_offsets.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<ListOffsetsRequest>;
template struct Codec<ListOffsetsResponse>;
template struct Codec<OffsetForLeaderEpochRequest>;
template struct Codec<OffsetForLeaderEpochResponse>;

}  // namespace pabal::kafka
