#pragma once

#include <string>

#include "base/error.h"
#include "protocol/kafka/api.h"
#include "protocol/kafka/wire_writer.h"

namespace pabal::kafka {

// Most memory that the values of one message may take beside its frame, which its record batches stay in.
constexpr size_t decoded_bytes_max = 64_MiB;
// A printed message ends here.
constexpr size_t printed_bytes_max = 4'000;

// What follows from a message's description; message.h defines it, and each message's .cc instantiates it.
template <class Message>
struct Codec {
  // The message that is all of `body`. Errors (invalid, too_large) name the field, what was read and its
  // byte. Tagged fields that are not known are skipped.
  static Result<Message> decode(const SharedBytes& body, ApiVersion version);
  // Appends it. An error (invalid) means that `version` cannot carry what the message says.
  static Result<void> encode(const Message& message, ApiVersion version, WireWriter& out);
  // For logs: one line, secrets masked, record batches by their size, cut at printed_bytes_max.
  static std::string print(const Message& message, ApiVersion version);
};

}  // namespace pabal::kafka
