#include "protocol/kafka/fetch.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<FetchRequest>;
template struct Codec<FetchResponse>;

}  // namespace pabal::kafka
