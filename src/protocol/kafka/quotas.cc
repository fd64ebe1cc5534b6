#include "protocol/kafka/quotas.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<DescribeClientQuotasRequest>;
template struct Codec<DescribeClientQuotasResponse>;

}  // namespace pabal::kafka
