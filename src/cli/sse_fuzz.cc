#include "base/fuzz.h"
#include "cli/sse.h"

// A stream of events comes in pieces of any size, which change nothing. The first byte is the size of the
// pieces.

namespace pabal::cli {
namespace {

std::vector<std::string> events_of(std::string_view text, size_t piece_bytes) {
  std::vector<std::string> events;
  SseReader reader([&](const SseReader::Event& event) {
    events.push_back(fmt::format("{}|{}|{}", event.name, event.id, event.data));
    return true;
  });
  while (!text.empty()) {
    std::string_view piece = text.substr(0, piece_bytes);
    check(reader.feed(piece), "nobody said stop");
    text.remove_prefix(piece.size());
  }
  return events;
}

}  // namespace
}  // namespace pabal::cli

PABAL_FUZZ(sse) {
  using namespace pabal;
  size_t piece_bytes = 1 + take_byte(input) % 16;
  auto whole = cli::events_of(as_text(input), input.size());
  auto pieces = cli::events_of(as_text(input), piece_bytes);
  check(whole == pieces, "{} events at once, {} in pieces of {} bytes", whole.size(), pieces.size(),
        piece_bytes);
}
