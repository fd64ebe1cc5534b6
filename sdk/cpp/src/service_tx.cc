#include "service_tx.h"

#include "base/clock.h"
#include "event_codec.h"
#include "relay/inbox.h"
#include "relay/outbox.h"

namespace pabal::sdk {

ServiceTx::ServiceTx(relay::Database& database, std::string_view service, bool writing,
                     std::optional<Handling> handling)
    : database_(database), service_(service), writing_(writing), handling_(std::move(handling)) {}

Result<void> ServiceTx::begin() {
  if (duplicate_) return error(ErrorCode::conflict, "this event was handled before");
  if (open_) return {};
  auto open = writing_ ? database_.begin_write() : database_.begin_read();
  if (!open) return std::unexpected(open.error());
  if (handling_) {
    auto is_new =
        relay::Inbox().insert(**open, handling_->queue, handling_->event_id, system_clock().wall_now());
    if (!is_new) return std::unexpected(is_new.error());
    duplicate_ = !*is_new;
    if (duplicate_) return error(ErrorCode::conflict, "this event was handled before");
  }
  open_ = std::move(*open);
  return {};
}

Result<relay::Rows> ServiceTx::execute(std::string_view sql, std::vector<relay::Value> values) {
  if (auto begun = begin(); !begun) return std::unexpected(begun.error());
  return open_->execute(sql, values);
}

Result<std::string> ServiceTx::publish(Event event) {
  if (!writing_) return error(ErrorCode::invalid, "events are published in write(), not in read()");
  Event whole = complete(std::move(event), service_);
  auto row = to_outbox_row(whole);
  if (!row) return std::unexpected(row.error());
  if (auto begun = begin(); !begun) return std::unexpected(begun.error());
  if (auto added = relay::Outbox().add(*open_, *row); !added) return std::unexpected(added.error());
  return whole.id;
}

Result<void> ServiceTx::commit() {
  if (handling_) {
    if (auto begun = begin(); !begun) return begun;
  }
  if (!open_) return {};
  auto done = open_->commit();
  open_.reset();
  return done;
}

}  // namespace pabal::sdk
