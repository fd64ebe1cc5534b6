#include "engine/log_model.h"

#include <algorithm>
#include <charconv>

namespace pabal::engine {
namespace {

struct Origin {
  size_t commit = 0;
  size_t part = 0;
  int record = 0;
};

std::optional<Origin> origin_of(const std::string& value) {
  Origin origin;
  const char* at = value.data();
  const char* end = at + value.size();
  auto number = [&](auto& out, char delimiter) {
    auto [rest, problem] = std::from_chars(at, end, out);
    if (problem != std::errc() || rest == end || *rest != delimiter) return false;
    at = rest + 1;
    return true;
  };
  if (!number(origin.commit, '/') || !number(origin.part, '/') || !number(origin.record, ' '))
    return std::nullopt;
  return origin;
}

std::string shortened(const std::string& value) { return value.substr(0, value.find(' ')); }

}  // namespace

void LogModel::begin_life() {
  commits_.clear();
  last_heard_.clear();
  for (Log& log : logs_) log.next_at_start = log.next_seen;
}

size_t LogModel::begin_commit(std::vector<Part> parts) {
  size_t number = ++commit_count_;
  Commit& commit = commits_[number] = {std::move(parts)};
  auto is_flushed = [&](const Part& part) { return logs_[part.log].durability == Durability::flushed; };
  if (std::ranges::none_of(commit.parts, is_flushed)) return number;
  for (size_t i = 0; i < logs_.size(); ++i) commit.covers[i] = logs_[i].next_seen;
  return number;
}

std::string LogModel::value_of(size_t commit, size_t part, int record, size_t padding) {
  return fmt::format("{}/{}/{} {}", commit, part, record, std::string(padding, 'x'));
}

WallTime LogModel::time_of(size_t commit) {
  return WallTime(std::chrono::milliseconds(static_cast<int64_t>(commit)));
}

void LogModel::acknowledged(size_t commit, const CommitResult& offsets, size_t lane) {
  ++acknowledged_;
  auto found = commits_.find(commit);
  if (found == commits_.end()) return fail("an acknowledgement from another life");
  found->second.acknowledged = true;
  const auto& parts = found->second.parts;
  const auto& covers = found->second.covers;
  for (auto [log, next] : covers) logs_[log].safe_below = std::max(logs_[log].safe_below, next);
  if (offsets.size() != parts.size())
    return fail(fmt::format("commit {}: {} offsets", commit, offsets.size()));
  for (size_t i = 0; i < parts.size(); ++i) {
    Log& log = logs_[parts[i].log];
    int64_t base = offsets[i].value();
    auto [last, fresh] = last_heard_.try_emplace({lane, parts[i].log}, base);
    if (!fresh && last->second >= base) {
      fail(fmt::format("{}: offset {} was acknowledged after {}", log.id, base, last->second));
    }
    last->second = base;
    log.next_seen = std::max(log.next_seen, base + parts[i].records);
    if (!covers.empty()) log.safe_below = std::max(log.safe_below, base + parts[i].records);
    for (int r = 0; r < parts[i].records; ++r) {
      std::string prefix = shortened(value_of(commit, i, r, 0));
      auto [known, added] = log.known.try_emplace(base + r, prefix);
      if (added) values_.insert({parts[i].log, prefix});
      if (!added && known->second != prefix) {
        fail(fmt::format("{}: offset {} was {} and is given to {}", log.id, base + r, known->second, prefix));
      }
    }
  }
}

// The furthest that a log may begin: trimmed by somebody, or by retention where nothing is pinned.
int64_t LogModel::first_max(const Log& log, Offset next) {
  if (log.durability == Durability::memory) return next.value();
  int64_t asked = std::max(log.first_seen, log.first_asked);
  if (!log.retained) return asked;
  return std::max(asked, log.pinned.value_or(next.value()));
}

void LogModel::saw_range(Log& log, const LogRange& range) {
  if (range.first > range.next)
    fail(fmt::format("{}: begins at {}, ends at {}", log.id, range.first, range.next));
  if (range.next.value() < log.next_seen) {
    fail(fmt::format("{} (durability {}): ends at {}, but reached {} before", log.id,
                     static_cast<int>(log.durability), range.next, log.next_seen));
  }
  if (range.first.value() < log.first_seen || range.first.value() > first_max(log, range.next)) {
    fail(fmt::format("{}: begins at {}, which was {} before; at most {} may be gone", log.id, range.first,
                     log.first_seen, first_max(log, range.next)));
  }
  log.next_seen = std::max(log.next_seen, range.next.value());
  log.first_seen = std::max(log.first_seen, range.first.value());
}

void LogModel::begin_inspection() {
  for (auto& [number, commit] : commits_) commit.seen.clear();
}

void LogModel::begin_look(Log& log, const LogRange& range) {
  log.life_from = range.next.value();
  if (log.durability == Durability::flushed) return;
  // A log that had nothing left when it went on above a gap begins behind it.
  if (Offset kept(first_max(log, range.next)); range.first > kept) {
    saw_gap(log, kept, range.first);
    log.first_asked = std::max(log.first_asked, range.first.value());
  }
  bool empty = range.first == range.next;
  if (log.durability == Durability::memory && !empty)
    fail(fmt::format("{}: memory outlived its process", log.id));
  if (!empty) return;
  if (!log.retained) saw_gap(log, Offset(std::max(log.first_seen, log.first_asked)), range.next);
  log.first_seen = std::max(log.first_seen, range.first.value());
}

void LogModel::end_look(Log& log, const LogRange& range) {
  if (range.lost >= static_cast<int64_t>(log.gone.size())) return;
  fail(fmt::format("{}: it tells that {} may be lost; {} are", log.id, range.lost, log.gone.size()));
}

void LogModel::stopped_cleanly() {
  for (Log& log : logs_) log.safe_below = log.next_seen;
}

void LogModel::saw_gap(Log& log, Offset from, Offset to) {
  for (auto it = log.known.lower_bound(from.value()); it != log.known.end() && it->first < to.value(); ++it) {
    if (log.gone.contains(it->first)) continue;
    bool may_go = log.durability == Durability::memory ||
                  (log.durability == Durability::written && it->first >= log.safe_below);
    if (!may_go || it->first >= log.life_from) {
      return fail(fmt::format("{}: offset {}, which was {}, is missing", log.id, it->first, it->second));
    }
    log.gone.insert(it->first);
  }
}

Offset LogModel::saw_batches(Log& log, Offset from, const ReadResult& read) {
  Offset expected = from;
  for (const SharedBytes& bytes : read.batches) {
    auto batch = log::BatchView::parse(bytes.view());
    if (!batch || !batch->verify()) {
      fail(fmt::format("{}: a batch after {} is damaged", log.id, expected));
      return expected;
    }
    bool first = &bytes == read.batches.data();
    if (log.durability != Durability::flushed && batch->base_offset() > expected) {
      saw_gap(log, expected, batch->base_offset());
    } else if (first ? batch->base_offset() > from || batch->next_offset() <= from
                     : batch->base_offset() != expected) {
      fail(fmt::format("{}: offset {} is followed by a batch from {}", log.id, expected,
                       batch->base_offset()));
    }
    auto done = batch->for_each([&](const log::StoredRecord& record) {
      saw_record(log, record.offset, std::string(as_text(record.value.value_or(BytesView()))),
                 record.timestamp);
      return true;
    });
    if (!done) fail(fmt::format("{}: {}", log.id, done.error().message));
    expected = batch->next_offset();
  }
  if (expected > read.range.next) fail(fmt::format("{}: read past its end {}", log.id, read.range.next));
  return expected;
}

void LogModel::saw_record(Log& log, Offset offset, const std::string& value, WallTime time) {
  auto origin = origin_of(value);
  if (!origin || origin->commit > commit_count_ || time != time_of(origin->commit)) {
    return fail(fmt::format("{}: offset {} holds what nobody wrote", log.id, offset));
  }
  std::string prefix = shortened(value);
  auto [known, added] = log.known.try_emplace(offset.value(), prefix);
  if (log.gone.contains(offset.value()))
    fail(fmt::format("{}: offset {} was lost and is back", log.id, offset));
  if (!added && known->second != prefix) {
    fail(fmt::format("{}: offset {} was {} and is {}", log.id, offset, known->second, prefix));
  }
  if (added && !values_.insert({static_cast<size_t>(&log - logs_.data()), prefix}).second) {
    fail(fmt::format("{}: {} stands there twice, again at {}", log.id, prefix, offset));
  }
  if (auto commit = commits_.find(origin->commit); commit != commits_.end()) {
    commit->second.seen.insert({origin->part, origin->record});
  }
}

void LogModel::saw_time(Log& log, WallTime time, Offset found, const LogRange& before,
                        const LogRange& after) {
  auto time_at = [&](int64_t offset) -> std::optional<WallTime> {
    auto known = log.known.find(offset);
    if (known == log.known.end() || log.gone.contains(offset)) return std::nullopt;
    return time_of(origin_of(known->second + " ")->commit);
  };
  if (found < before.first || found > after.next) {
    return fail(fmt::format("{}: the time look-up gave {}, outside of the log", log.id, found));
  }
  auto here = time_at(found.value());
  if (here && *here < time && found < before.next)
    fail(fmt::format("{}: the time look-up gave {}, which is too early", log.id, found));
  Offset first = std::max(before.first, after.first);
  for (Offset offset = first; offset < std::min(found, before.next); ++offset) {
    auto earlier = time_at(offset.value());
    if (!earlier || *earlier < time) continue;
    return fail(fmt::format("{}: the time look-up gave {}, but {} is late enough", log.id, found, offset));
  }
}

void LogModel::missing(const Log& log) {
  if (log.opened && !log.delete_begun) fail(fmt::format("{}: it is gone", log.id));
}

void LogModel::check_commits() {
  for (const auto& [number, commit] : commits_) {
    if (commit.seen.empty()) continue;
    for (size_t i = 0; i < commit.parts.size(); ++i) {
      const Log& log = logs_[commit.parts[i].log];
      if (log.delete_begun || log.first_seen > log.next_at_start) continue;  // may have gone since
      if (log.durability == Durability::memory) continue;
      for (int r = 0; r < commit.parts[i].records; ++r) {
        if (commit.seen.contains({i, r})) continue;
        return fail(fmt::format("{}: commit {} is there in part; {} is missing", log.id, number,
                                shortened(value_of(number, i, r, 0))));
      }
    }
  }
}

}  // namespace pabal::engine
