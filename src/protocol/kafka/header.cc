#include "protocol/kafka/header.h"

#include "protocol/kafka/decoder.h"
#include "protocol/kafka/wire_reader.h"

namespace pabal::kafka {
namespace {

constexpr size_t header_memory_max = 64_KiB;

// Tagged fields of a header: none is known.
struct NoFields {
  static void describe(auto&) {}
};

RequestHeader take_start(WireReader& in) {
  RequestHeader header;
  header.key = static_cast<ApiKey>(in.take<int16_t>());
  header.version = ApiVersion(in.take<int16_t>());
  header.correlation_id = CorrelationId(in.take<int32_t>());
  return header;
}

bool has_flexible_response_header(const Api& api, ApiVersion version) {
  return api.key != ApiKey::api_versions && api.is_flexible(version);
}

}  // namespace

Result<RequestHeader> read_request_start(BytesView frame) {
  if (frame.size() < request_start_bytes) {
    return error(ErrorCode::invalid, "a request of {} bytes; its header alone has at least {}", frame.size(),
                 request_start_bytes);
  }
  BytesView start = frame.first(request_start_bytes);
  WireReader in(SharedBytes(Bytes(start.begin(), start.end())), header_memory_max);
  return take_start(in);
}

Result<RequestFrame> read_request_header(const SharedBytes& frame, const Api& api) {
  WireReader in(frame, header_memory_max);
  RequestFrame request{.header = take_start(in), .body = {}};
  auto length = in.take<int16_t>();
  if (length < -1) in.fail(ErrorCode::invalid, fmt::format("a client id of {} bytes", length));
  if (length >= 0)
    request.header.client_id = std::string(as_text(in.take_bytes(static_cast<size_t>(length))));
  if (api.is_flexible(request.header.version)) {
    NoFields fields;
    Decoder(in, request.header.version, true).take(fields);
  }
  request.body = in.take_window(in.remaining());
  if (in.failed()) return std::unexpected(in.failure().error("a request's header"));
  return request;
}

Result<SharedBytes> read_response_header(const SharedBytes& frame, const Api& api, ApiVersion version,
                                         CorrelationId& correlation_id) {
  WireReader in(frame, header_memory_max);
  correlation_id = CorrelationId(in.take<int32_t>());
  if (has_flexible_response_header(api, version)) {
    NoFields fields;
    Decoder(in, version, true).take(fields);
  }
  SharedBytes body = in.take_window(in.remaining());
  if (in.failed()) return std::unexpected(in.failure().error("a response's header"));
  return body;
}

void write_request_header(const RequestHeader& header, const Api& api, WireWriter& out) {
  out.put(std::to_underlying(header.key));
  out.put(header.version.value());
  out.put(header.correlation_id.value());
  out.put(static_cast<int16_t>(header.client_id ? header.client_id->size() : -1));
  if (header.client_id) out.put_bytes(as_bytes(*header.client_id));
  if (api.is_flexible(header.version)) out.put_varint(0);
}

void write_response_header(CorrelationId correlation_id, const Api& api, ApiVersion version,
                           WireWriter& out) {
  out.put(correlation_id.value());
  if (has_flexible_response_header(api, version)) out.put_varint(0);
}

std::vector<SharedBytes> finish_frame(WireWriter&& frame) {
  WireWriter whole;
  whole.put(static_cast<int32_t>(frame.size()));
  std::vector<SharedBytes> pieces = whole.finish();
  for (SharedBytes& piece : frame.finish()) pieces.push_back(std::move(piece));
  return pieces;
}

}  // namespace pabal::kafka
