#include "base/fuzz.h"
#include "protocol/scram.h"

// The two messages of a client, with a zero byte between them: no bytes are let in.
PABAL_FUZZ(scram) {
  using namespace pabal;
  std::string_view text = as_text(input);
  std::string_view opening = text.substr(0, text.find('\0'));
  auto first = scram::read_client_first(opening);
  if (!first) return check(!first.error().message.empty(), "an error without a word");
  check(!first->user.empty() && opening == first->gs2_header + first->bare, "a first message in other words");
  Bytes secret(32, 7);
  scram::Exchange exchange(scram::keys_of_nobody(scram::Hash::sha_256, first->user, secret), *first,
                           "server");
  text.remove_prefix(std::min(text.size(), opening.size() + 1));
  check(!exchange.finish(text).has_value(), "somebody was let in: {}", first->user);
}
