#include "base/fuzz.h"
#include "protocol/kafka/apis.h"
#include "protocol/kafka/header.h"

namespace pabal::kafka {
namespace {

// What was read can be printed, written, and is then read as the same.
template <class Message>
void check_message(const SharedBytes& body, ApiVersion version) {
  auto message = Codec<Message>::decode(body, version);
  if (!message) return check(!message.error().message.empty(), "an error without a word");
  std::string printed = Codec<Message>::print(*message, version);
  WireWriter out;
  auto written = Codec<Message>::encode(*message, version, out);
  check(written.has_value(), "what was read cannot be written: {}", printed);
  auto again = Codec<Message>::decode(SharedBytes(Records{out.finish()}.joined()), version);
  check(again.has_value() && *again == *message, "came back changed: {}", printed);
}

template <class... Each>
void check_request(const RequestFrame& request, std::type_identity<std::tuple<Each...>>) {
  auto try_one = [&]<class Message>(std::type_identity<Message>) {
    if (Message::api.key == request.header.key) check_message<Message>(request.body, request.header.version);
  };
  (try_one(std::type_identity<typename Each::Request>{}), ...);
}

}  // namespace
}  // namespace pabal::kafka

PABAL_FUZZ(kafka_request) {
  using namespace pabal;
  auto start = kafka::read_request_start(input);
  if (!start) return;
  const kafka::Api* api = kafka::find_api(start->key);
  if (api == nullptr) return;
  auto request = kafka::read_request_header(SharedBytes(Bytes(input.begin(), input.end())), *api);
  if (request) kafka::check_request(*request, std::type_identity<kafka::Exchanges>{});
}
