#pragma once

#include "protocol/kafka/codec.h"
#include "protocol/kafka/decoder.h"
#include "protocol/kafka/encoder.h"
#include "protocol/kafka/printer.h"

// Codec's definitions, for the .cc of each message: template struct Codec<FetchRequest>;
namespace pabal::kafka {

template <class Message>
std::string title_of(ApiVersion version) {
  return fmt::format("{} v{} {}", Message::api.name, version, Message::is_request ? "request" : "response");
}

template <class Message>
Result<Message> Codec<Message>::decode(const SharedBytes& body, ApiVersion version) {
  if (!Message::api.knows(version)) {
    return error(ErrorCode::unsupported, "{}: versions {} to {} are known", title_of<Message>(version),
                 Message::api.first, Message::api.last);
  }
  WireReader in(body, decoded_bytes_max);
  Message message;
  Decoder(in, version, Message::api.is_flexible(version)).take(message);
  if (in.remaining() > 0)
    in.fail(ErrorCode::invalid, fmt::format("{} bytes follow the message", in.remaining()));
  if (in.failed()) return std::unexpected(in.failure().error(title_of<Message>(version)));
  return message;
}

template <class Message>
Result<void> Codec<Message>::encode(const Message& message, ApiVersion version, WireWriter& out) {
  if (!Message::api.knows(version)) {
    return error(ErrorCode::unsupported, "{}: versions {} to {} are known", title_of<Message>(version),
                 Message::api.first, Message::api.last);
  }
  Encoder encoder(out, version, Message::api.is_flexible(version));
  encoder.put(message);
  if (encoder.failure().happened())
    return std::unexpected(encoder.failure().error(title_of<Message>(version)));
  return {};
}

template <class Message>
std::string Codec<Message>::print(const Message& message, ApiVersion version) {
  Printer printer(version);
  printer.put(message);
  return title_of<Message>(version) + printer.finish();
}

}  // namespace pabal::kafka
