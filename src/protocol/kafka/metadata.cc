#include "protocol/kafka/metadata.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<MetadataRequest>;
template struct Codec<MetadataResponse>;

}  // namespace pabal::kafka
