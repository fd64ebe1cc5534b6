#include "protocol/kafka/cluster.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<DescribeClusterRequest>;
template struct Codec<DescribeClusterResponse>;
template struct Codec<DescribeLogDirsRequest>;
template struct Codec<DescribeLogDirsResponse>;

}  // namespace pabal::kafka
