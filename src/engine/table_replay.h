#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_set>

#include "engine/table.h"

namespace pabal::engine {

constexpr std::string_view table_begin_marker = "begin";
constexpr std::string_view table_end_marker = "end";

// A table's change as it stands in the log; table.h says how.
struct TableRecord {
  std::string key;
  std::optional<std::string> value = {};
  std::optional<WallTime> expires = {};
  bool snapshot = false;  // part of a snapshot, no change

  // Valid while this lives and does not move.
  [[nodiscard]] log::RecordView view(WallTime now) const;
  // `record` must have a key.
  static Result<TableRecord> from(const log::StoredRecord& record);

  mutable std::string expires_text = {};  // what the view's header points at
};

// Turns a table's log, batch after batch, into the changes that make the map. One use, one thread.
class TableReplay {
 public:
  explicit TableReplay(std::function<void(TableChange)> show) : show_(std::move(show)) {}

  // Records below `from` are passed over. Returns the offset after the batch.
  Result<Offset> add(BytesView batch, Offset from);
  // Where the last whole snapshot begins: nothing below it is needed.
  [[nodiscard]] std::optional<Offset> last_snapshot() const { return last_snapshot_; }

 private:
  Result<void> add_record(const log::StoredRecord& record);
  void add_marker(std::string_view marker, Offset at);

  std::function<void(TableChange)> show_;
  std::optional<Offset> begun_;  // the marker of the snapshot that is being read
  std::optional<Offset> last_snapshot_;
  std::unordered_set<std::string> changed_;  // since `begun_`
};

}  // namespace pabal::engine
