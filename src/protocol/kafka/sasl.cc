#include "protocol/kafka/sasl.h"

#include "protocol/kafka/message.h"

namespace pabal::kafka {

template struct Codec<SaslHandshakeRequest>;
template struct Codec<SaslHandshakeResponse>;
template struct Codec<SaslAuthenticateRequest>;
template struct Codec<SaslAuthenticateResponse>;

}  // namespace pabal::kafka
