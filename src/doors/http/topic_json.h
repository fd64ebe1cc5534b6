#pragma once

#include "broker/topic.h"
#include "doors/http/answers.h"
#include "doors/http/fields.h"

namespace pabal::doors {

// The body of PUT /topics/{topic}.
Result<broker::TopicChange> read_topic_change(std::string_view body);

// Settings and partitions as GET /topics/{topic} shows them; durations and sizes as text.
[[nodiscard]] Json topic_json(const broker::TopicInfo& topic);

}  // namespace pabal::doors
