#pragma once

#include <array>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <unordered_set>
#include <vector>

#include "base/clock.h"
#include "broker/key_lines.h"
#include "broker/lease.h"
#include "broker/place.h"
#include "broker/queue.h"
#include "broker/settled_set.h"

namespace pabal::broker {

// The messages of one queue that are neither settled nor still unscanned, and what may happen to each next.
// Pure: no I/O, no clock of its own; the queue around it reads records, writes commits and keeps time. One
// thread.
//
//             see                 lease                 settle
//   (record) ----> ready, delayed ----> leased ------------------> (gone)
//                  or waiting     <---- retry, expiry, give back
//
// A message that a commit is about to change is frozen: it is leased to nobody until the commit has succeeded
// (settle, retry) or failed (thaw). In key order only the first message of a key's line leaves `waiting`.
// Memory: one entry for each message in the window, which ends look_ahead records past the oldest open one.
class QueueState {
 public:
  struct Rules {
    KeyOrder order = KeyOrder::none;
    OnDead on_dead = OnDead::carry_on;
    int64_t look_ahead = 100'000;
    int64_t ready_max = 10'000;  // scanning rests when so many are ready
  };
  enum class State : uint8_t { waiting, ready, leased, delayed };

  struct Entry {
    uint64_t key = 0;  // hash; 0 is no key
    WallTime enqueued_at = {};
    std::optional<WallTime> due = {};      // of the next try
    std::optional<WallTime> expires = {};  // its time to live
    Instant leased_until = {};
    uint64_t serial = 0;  // of the latest lease in this run, 0: none
    uint32_t consumer = 0;
    int deliveries = 0;
    State state = State::waiting;
    bool open = true;          // the latest lease still acks although it has run out
    bool running_out = false;  // its lease has ended, the commit that says so has not
    bool frozen = false;
  };
  struct Seen {
    Place place;
    uint64_t key = 0;
    WallTime enqueued_at = {};
    int deliveries = 0;
    bool open = true;
    std::optional<WallTime> due = {};
    std::optional<WallTime> expires = {};
    bool first_of_key = false;  // redriven: goes before those of its key that wait
  };
  struct Grant {
    Place place;
    Lease lease;
    uint32_t consumer;
  };

  QueueState(Rules rules, uint32_t run) : rules_(rules), run_(run) {}
  void set_rules(Rules rules) { rules_ = rules; }

  // -- logs and scanning. Scanning begins at the set's cursor.
  void add_source(Source source, SettledSet settled);
  [[nodiscard]] bool has_source(Source source) const { return sources_.contains(source); }
  [[nodiscard]] SettledSet& settled(Source source) { return sources_.at(source).settled; }
  [[nodiscard]] const SettledSet& settled(Source source) const { return sources_.at(source).settled; }
  [[nodiscard]] std::vector<Source> sources() const;
  [[nodiscard]] Offset scanned_to(Source source) const { return sources_.at(source).scanned; }
  [[nodiscard]] Offset end(Source source) const { return sources_.at(source).end; }
  void set_end(Source source, Offset end);
  // Retention has removed what lies below; returns how many open messages that took.
  int64_t lose_below(Source source, Offset first);
  // Where to read next, or nothing to read now.
  [[nodiscard]] std::optional<Place> next_scan() const;
  [[nodiscard]] bool may_scan(Source source) const { return may_scan(source, sources_.at(source)); }
  void see(const Seen& seen, WallTime now);
  // The queue shall not deliver this record.
  void skip(Place place);
  void scanned(Source source, Offset to);
  // Compaction has removed these records: nothing is to be delivered of them, and nothing is lost.
  void skip_missing(Source source, Offset from, Offset to);
  // Scans again from there; what is known already is passed over.
  void scan_again(Place from);

  // -- delivery
  std::vector<Grant> lease(size_t max, Instant until, WallTime now, uint32_t consumer);
  // Undoes a lease that nobody got; it does not count. Ready again at `due`, or now.
  void give_back(const Lease& lease, std::optional<WallTime> due, WallTime now);
  bool extend(const Lease& lease, Instant until);
  enum class Verdict : uint8_t {
    ok,
    unscanned,  // ok, of a message that has not been read since the restart
    done,       // this very lease has settled it already
    expired,    // the message went to another, or was given up by this one
    unknown,    // no lease of this queue
  };
  [[nodiscard]] Verdict check(const Lease& lease) const;

  // -- time
  // Leases that have run out, each told once; retry() or settle() ends them.
  std::vector<Lease> run_out(Instant now);
  void make_due(WallTime now);
  // Messages whose time to live is over and that nobody holds, told until they are settled.
  [[nodiscard]] std::vector<Place> overdue(WallTime now, size_t max) const;
  [[nodiscard]] std::optional<Instant> next_lease_end() const;
  [[nodiscard]] std::optional<WallTime> next_due() const;
  [[nodiscard]] std::optional<WallTime> next_expiry() const;

  // -- outcomes; the message must be frozen, but for forget()
  [[nodiscard]] bool freeze(Place place);  // false: unknown, or frozen already
  void thaw(Place place);
  void settle(Place place, WallTime now);
  void die(Place place, WallTime now);  // settles; its key is held when the rules say so
  void retry(Place place, int deliveries, std::optional<WallTime> due, bool open, WallTime now);
  void hold_key(uint64_t key);
  void release_key(uint64_t key, WallTime now);

  // -- looking
  [[nodiscard]] const Entry* find(Place place) const;
  [[nodiscard]] const std::map<Place, Entry>& entries() const { return entries_; }
  [[nodiscard]] const KeyLines& lines() const { return lines_; }
  struct Counts {
    int64_t waiting = 0;  // for their key
    int64_t ready = 0;
    int64_t leased = 0;
    int64_t delayed = 0;
    int64_t unscanned = 0;
  };
  [[nodiscard]] Counts counts() const;
  [[nodiscard]] bool anything_ready() const {
    return count_[static_cast<size_t>(State::ready)] > frozen_ready_;
  }
  // When the oldest message that may be taken now came: about, by the oldest of each log.
  [[nodiscard]] std::optional<WallTime> oldest_ready() const;
  // The oldest open message of a log that cannot be read on because of it.
  [[nodiscard]] std::optional<Place> stalled_by() const;

 private:
  struct Log {
    SettledSet settled;
    Offset scanned{0};
    Offset end{0};
    std::set<Offset> ready;
  };

  Entry& at(Place place);
  void settle_without_entry(Source source, Log& log, Offset from, Offset to);
  void set_state(Place place, Entry& entry, State state);
  void leave_index(Place place, Entry& entry);
  void enter_index(Place place, Entry& entry);
  void go(Place place, Entry& entry, WallTime now);  // to ready or delayed
  void remove(Place place, WallTime now);
  void remember_done(uint64_t serial);
  [[nodiscard]] bool may_scan(Source source, const Log& log) const;
  [[nodiscard]] bool matches(const Entry& entry, const Lease& lease) const;

  static constexpr size_t done_max = 4096;

  Rules rules_;
  uint32_t run_;
  uint64_t serial_ = 0;
  std::map<Source, Log> sources_;
  std::map<Place, Entry> entries_;
  KeyLines lines_;
  std::set<std::pair<Instant, Place>> leased_;
  std::set<std::pair<WallTime, Place>> delayed_;
  std::set<std::pair<WallTime, Place>> expiries_;
  std::array<int64_t, 4> count_ = {};
  int64_t frozen_ready_ = 0;
  Source last_source_ = own_source;  // the one that was leased from last
  std::unordered_set<uint64_t> done_;
  std::deque<uint64_t> done_order_;
};

}  // namespace pabal::broker
