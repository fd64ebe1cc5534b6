#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/codec.h"

// What stands before a message:
//
//   request   size i32 | api key i16 | api version i16 | correlation id i32 | client id nullable string |
//             tagged fields, when the version is flexible | the message
//   response  size i32 | correlation id i32 | tagged fields, when the version is flexible, but never for
//             ApiVersions, which a client reads before it knows what the server speaks | the message
//
// https://kafka.apache.org/protocol#protocol_messages
namespace pabal::kafka {

constexpr size_t frame_size_bytes = 4;
// The part of a request that every version of every call has.
constexpr size_t request_start_bytes = 8;

struct RequestHeader {
  ApiKey key = {};
  ApiVersion version = {};
  CorrelationId correlation_id = {};
  std::optional<std::string> client_id = {};
};

struct RequestFrame {
  RequestHeader header;
  SharedBytes body;
};

// Of all frames, from the first request_start_bytes after the size. invalid: it is shorter.
[[nodiscard]] Result<RequestHeader> read_request_start(BytesView frame);
// Of a request whose call is known; `frame` is what follows the size.
[[nodiscard]] Result<RequestFrame> read_request_header(const SharedBytes& frame, const Api& api);
// `frame` is what follows the size; the window is the message.
[[nodiscard]] Result<SharedBytes> read_response_header(const SharedBytes& frame, const Api& api,
                                                       ApiVersion version, CorrelationId& correlation_id);

void write_request_header(const RequestHeader& header, const Api& api, WireWriter& out);
void write_response_header(CorrelationId correlation_id, const Api& api, ApiVersion version, WireWriter& out);
// The frame's size, then what was written.
[[nodiscard]] std::vector<SharedBytes> finish_frame(WireWriter&& frame);

// A whole response, ready to be sent.
template <class Response>
[[nodiscard]] Result<std::vector<SharedBytes>> encode_response(CorrelationId correlation_id,
                                                               ApiVersion version, const Response& response) {
  WireWriter out;
  write_response_header(correlation_id, Response::api, version, out);
  if (auto done = Codec<Response>::encode(response, version, out); !done)
    return std::unexpected(done.error());
  return finish_frame(std::move(out));
}

}  // namespace pabal::kafka
