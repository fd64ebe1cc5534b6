#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/clock.h"
#include "base/error.h"
#include "base/random.h"
#include "relay/change_watch.h"
#include "relay/database.h"
#include "relay/outbox.h"
#include "relay/publisher.h"

namespace pabal::relay {

struct RelayOptions {
  std::string database;  // the service's file; waited for when it is not there yet
  std::string producer;  // the service's name
  std::string server = "http://127.0.0.1:8080";
  std::string token = {};  // secret
  OutboxTable table = OutboxTable::outbox;
  int64_t batch_rows_max = 500;
  size_t batch_bytes_max = 4_MiB;
  Duration done_rows_kept_for = std::chrono::hours(24);
  int64_t done_rows_max = 100'000;
  Duration change_wait_max = std::chrono::seconds(2);  // in case inotify is not told (network disks)
  // For tests of crashes: the process kills itself after so many publishes, before it marks the last.
  int stop_after_publish = 0;
};

// Carries one outbox to the server: reads waiting rows in the order of their commits, publishes them with
// their positions as sequences, marks them done. Killed between publish and mark it publishes the same rows
// again, and the server, which knows the sequences, stores none twice. One at a time per database (a file
// lock). run() and step() on one thread; stop() from anywhere, a signal handler too.
class Relay {
 public:
  // Errors: conflict when another relay works on this database.
  static Result<std::unique_ptr<Relay>> open(RelayOptions options);
  ~Relay();

  // Until stop(). Returns an error only when the database itself fails for good.
  Result<void> run();
  void stop() { watch_->stop(); }

  // One round over what waits now.
  struct Round {
    int64_t sent = 0;
    int64_t failed = 0;               // refused for good, now `failed` in the table
    std::optional<std::string> away;  // why the server could not be asked
    std::optional<std::string> full;  // why some topic takes nothing now; it rests for a while
  };
  Result<Round> step();

 private:
  // What a round has to write down.
  struct Marks {
    std::vector<int64_t> done;
    std::vector<std::pair<int64_t, std::string>> failed;
    std::optional<std::pair<int64_t, std::string>> tried;
  };
  // A topic for which the server answers, but takes nothing now.
  struct Rest {
    Instant until;
    Duration backoff;
  };

  Relay(RelayOptions options, std::unique_ptr<ChangeWatch> watch, Publisher::Options publisher, int lock);

  Result<bool> open_outbox();
  bool wait_for_outbox();
  Result<std::vector<OutboxRow>> read_waiting();
  void send_by_topic(std::span<const OutboxRow> rows, Round& round, Marks& marks);
  // False when the topic cannot take more now.
  bool send(std::span<const OutboxRow> rows, Round& round, Marks& marks);
  PublishAnswer publish(std::span<const OutboxRow> rows);
  void rest(const std::string& topic, const PublishAnswer& answer);
  [[nodiscard]] std::vector<std::string> resting_topics() const;
  [[nodiscard]] Duration until_rest_ends() const;
  [[nodiscard]] Duration jittered(Duration most);
  Result<void> write_down(const Marks& marks);
  Result<void> prune_sometimes();
  Result<void> round_trip(Duration& backoff, Duration& look_again);

  RelayOptions options_;
  std::unique_ptr<ChangeWatch> watch_;
  Publisher publisher_;
  Random random_ = Random::from_system();
  int lock_;
  Outbox outbox_;
  std::unique_ptr<Database> database_;
  std::string producer_;  // with the outbox's identity
  std::map<std::string, Rest, std::less<>> rests_;
  int publishes_ = 0;
  Instant pruned_at_ = {};
};

}  // namespace pabal::relay
