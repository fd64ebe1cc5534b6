#include "protocol/kafka/producer.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<InitProducerIdRequest>;
template struct Codec<InitProducerIdResponse>;

}  // namespace pabal::kafka
