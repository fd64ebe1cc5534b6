#include "protocol/kafka/produce.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<ProduceRequest>;
template struct Codec<ProduceResponse>;

}  // namespace pabal::kafka
