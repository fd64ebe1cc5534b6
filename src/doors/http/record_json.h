#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "broker/queue.h"
#include "log/record.h"

namespace pabal::doors {

// How records and messages are written: JSON text appended to `out`, so that a value goes out as the very
// bytes that were stored.

// {"partition", "offset", "timestamp", "key" | "key_base64", "value" | "value_base64", "headers"
// [, "header_list"][, "tombstone": true]}
void append_record(std::string& out, PartitionIndex partition, const log::StoredRecord& record);

// {"id", "lease", "body" | "body_base64", "key", "headers", "delivery", "enqueued_at"}
void append_message(std::string& out, const broker::Message& message);

// {"id", "state", "key", "body" | "body_base64", "headers", "deliveries", "reason", "due", "enqueued_at",
// "died_at", "topic", "partition", "offset"}
void append_look(std::string& out, const broker::MessageLook& look);

}  // namespace pabal::doors
