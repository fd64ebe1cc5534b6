#pragma once

#include <optional>
#include <string_view>

#include "broker/topic.h"
#include "doors/http/route.h"

namespace pabal::doors {

// The Idempotency-Key of a call, quoted as the draft has it or bare as most send it, with a fingerprint of
// what the call carries. nullopt when it has none; an error for one that is not readable.
Result<std::optional<broker::Idempotency>> read_idempotency(const Call& call);

}  // namespace pabal::doors
