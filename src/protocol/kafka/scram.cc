#include "protocol/kafka/scram.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<DescribeUserScramCredentialsRequest>;
template struct Codec<DescribeUserScramCredentialsResponse>;
template struct Codec<AlterUserScramCredentialsRequest>;
template struct Codec<AlterUserScramCredentialsResponse>;

}  // namespace pabal::kafka
