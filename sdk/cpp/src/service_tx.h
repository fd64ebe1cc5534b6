#pragma once

#include "pabal/pabal.h"
#include "relay/database.h"

namespace pabal::sdk {

// The Tx of handlers and of Service::write/read: begins with its first use. For an event it inserts the inbox
// row before anything else. One thread; destroying it without commit() undoes everything.
class ServiceTx final : public Tx {
 public:
  struct Handling {
    std::string queue;
    std::string event_id;
  };
  ServiceTx(relay::Database& database, std::string_view service, bool writing,
            std::optional<Handling> handling = {});

  Result<std::string> publish(Event event) override;
  Result<relay::Rows> execute(std::string_view sql, std::vector<relay::Value> values) override;

  // Durable when it returns success. A transaction that nobody used and that handles no event costs nothing.
  Result<void> commit();
  // This event's effects are in the database already; nothing of this transaction will be.
  [[nodiscard]] bool is_duplicate() const { return duplicate_; }

 private:
  Result<void> begin();

  relay::Database& database_;
  std::string_view service_;
  bool writing_;
  std::optional<Handling> handling_;
  std::unique_ptr<relay::Database::Open> open_;
  bool duplicate_ = false;
};

}  // namespace pabal::sdk
