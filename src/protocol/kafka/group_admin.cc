#include "protocol/kafka/group_admin.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<DescribeGroupsRequest>;
template struct Codec<DescribeGroupsResponse>;
template struct Codec<ListGroupsRequest>;
template struct Codec<ListGroupsResponse>;
template struct Codec<DeleteGroupsRequest>;
template struct Codec<DeleteGroupsResponse>;

}  // namespace pabal::kafka
