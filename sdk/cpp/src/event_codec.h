#pragma once

#include "pabal/pabal.h"
#include "relay/outbox.h"
#include "runtime/http.h"

namespace pabal::sdk {

// Fills in what the author left out: id, source, time, topic, and correlation, causation and trace from what
// this thread handles.
[[nodiscard]] Event complete(Event event, std::string_view service);

// An event as a row of the outbox; `invalid` without a type or with data that is no JSON text.
[[nodiscard]] Result<relay::OutboxRow> to_outbox_row(const Event& event);

// A message of a queue's receive, as the server's JSON. `invalid` when there is no event in it.
[[nodiscard]] Result<Event> event_from_message(const Json& message, std::string_view queue);

// A pushed message: the body, and the record's headers as the request's.
[[nodiscard]] Result<Event> event_from_push(const runtime::HttpRequest& request, std::string_view queue);

// What handling this event means for what is published and called meanwhile.
[[nodiscard]] Context context_of(const Event& event);

}  // namespace pabal::sdk
