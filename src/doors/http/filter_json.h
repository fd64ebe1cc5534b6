#pragma once

#include "broker/queue.h"
#include "doors/http/answers.h"
#include "doors/http/fields.h"

namespace pabal::doors {

// {"type": ["OrderPaid"], "header": {"country": [{"prefix": "K"}]}}
void read_filter(const Field& field, broker::Filter& out);
[[nodiscard]] Json filter_json(const broker::Filter& filter);

}  // namespace pabal::doors
