#include "base/fuzz.h"
#include "broker/security.h"

// What the table of users and rules holds: what is read is written as what reads the same.
PABAL_FUZZ(security) {
  using namespace pabal;
  std::string_view text = as_text(input);
  if (auto credentials = broker::Credentials::decode(text)) {
    check(broker::Credentials::decode(credentials->encode()) == *credentials,
          "credentials came back changed");
  }
  if (auto acl = broker::Acl::decode(text)) {
    check(broker::Acl::decode(acl->encode()) == *acl, "a rule came back changed: {}", acl->encode());
  }
}
