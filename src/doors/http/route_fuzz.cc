#include "base/fuzz.h"
#include "doors/http/access.h"
#include "doors/http/idempotency_key.h"
#include "doors/http/query.h"
#include "doors/http/record_start.h"
#include "doors/http/route.h"
#include "doors/http/tokens.h"

// What the HTTP door reads of a request besides its body: path, query, position, who asks. The first byte
// chooses.

namespace pabal::doors {
namespace {

const RouteTable& routes() {
  static const RouteTable table = [] {
    RouteTable made;
    for (const char* pattern :
         {"/", "/v1/topics", "/v1/topics/{topic}", "/v1/topics/{topic}/records/{offset}"}) {
      made.add({.method = "GET", .pattern = pattern, .doc = {}, .handler = {}});
      made.add({.method = "PUT", .pattern = pattern, .doc = {}, .handler = {}});
    }
    return made;
  }();
  return table;
}

void try_route(std::string_view text) {
  auto match = routes().find("HEAD", text);
  check(match || match.error().code != ErrorCode::wrong_method, "HEAD is refused where GET is known");
  check(!match || !routes().allowed(text).empty(), "a path that is known and knows no method");
}

void try_query(std::string_view text) {
  Query query(text);
  RecordStart start = RecordStart::read(query, broker::StartAt::earliest);
  check(!start.offset || *start.offset >= Offset(0), "a negative offset");
  static_cast<void>(query.integer("max", 1, 1000));
  static_cast<void>(query.duration("wait", std::chrono::seconds(60)));
  static_cast<void>(query.with_prefix("header."));
  static_cast<void>(query.finish());
}

void try_position(std::string_view text) {
  auto position = Position::parse(text);
  if (!position) return;
  auto again = Position::parse(position->text());
  check(again && again->text() == position->text(), "{:?} is written as {:?}", text, position->text());
}

void try_tokens(std::string_view text) {
  auto tokens = Tokens::parse(text, "file");
  if (!tokens) return;
  check(!tokens->empty() && tokens->owner_of("").empty(), "the empty token opens the door");
}

// Two lines: the Host and the Origin. Whoever is let in asked for a name of this machine.
void try_access(std::string_view text) {
  std::string_view host = text.substr(0, text.find('\n'));
  text.remove_prefix(std::min(text.size(), host.size() + 1));
  Access access("127.0.0.1:8080", {"pabal.example:8080"}, {});
  runtime::HttpRequest request;
  request.fields.add("Host", std::string(host));
  if (!text.empty()) request.fields.add("Origin", std::string(text));
  if (!access.admit(request, Admission::with_token)) return;
  auto asked = parse_host_port(host);
  check(asked && (is_loopback(asked->host) || asked->host == "pabal.example"), "{:?} is let in", host);
}

void try_idempotency(std::string_view text) {
  Call call{.request = {.method = "POST"}};
  call.request.fields.add("Idempotency-Key", std::string(text));
  auto key = read_idempotency(call);
  if (key)
    check(*key && !(*key)->key.empty() && (*key)->key.size() <= broker::idempotency_key_bytes_max,
          "a wrong key");
}

constexpr std::array choices = {try_route, try_query, try_position, try_tokens, try_access, try_idempotency};

}  // namespace
}  // namespace pabal::doors

PABAL_FUZZ(route) {
  uint8_t choice = pabal::take_byte(input);
  pabal::doors::choices[choice % pabal::doors::choices.size()](pabal::as_text(input));
}
