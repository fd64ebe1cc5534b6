#include "protocol/kafka/api_versions.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<ApiVersionsRequest>;
template struct Codec<ApiVersionsResponse>;

}  // namespace pabal::kafka
