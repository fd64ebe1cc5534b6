#include "doors/kafka/calls.h"

// How a client says who it is; the session has the rules.
namespace pabal::doors {

Answer<kafka::SaslHandshakeResponse> sasl_handshake(KafkaCall& call, kafka::SaslHandshakeRequest request) {
  bool raw = call.version() == kafka::ApiVersion(0);
  co_return kafka::SaslHandshakeResponse{.error_code = call.session.choose(request.mechanism, raw),
                                         .mechanisms = call.session.mechanisms()};
}

Answer<kafka::SaslAuthenticateResponse> sasl_authenticate(KafkaCall& call,
                                                          kafka::SaslAuthenticateRequest request) {
  Session::Step step = co_await call.session.authenticate(std::move(request.auth_bytes));
  kafka::SaslAuthenticateResponse response{.error_code = step.error, .auth_bytes = std::move(step.answer)};
  if (step.error == kafka::KafkaError::none) {
    response.error_message = std::nullopt;
    response.session_lifetime = std::chrono::duration_cast<kafka::LongMilliseconds>(step.lifetime);
  } else {
    response.error_message = std::move(step.message);
  }
  co_return response;
}

}  // namespace pabal::doors
