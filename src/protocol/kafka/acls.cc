#include "protocol/kafka/acls.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<DescribeAclsRequest>;
template struct Codec<DescribeAclsResponse>;
template struct Codec<CreateAclsRequest>;
template struct Codec<CreateAclsResponse>;
template struct Codec<DeleteAclsRequest>;
template struct Codec<DeleteAclsResponse>;

}  // namespace pabal::kafka
