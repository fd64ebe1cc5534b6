#pragma once

#include <filesystem>
#include <future>
#include <gmock/gmock.h>
#include <unistd.h>

#include "pabal/pabal.h"
#include "relay/fake_server.h"
#include "relay/outbox.h"
#include "runtime/http_client.h"

namespace pabal::sdk {

// A fake server, a directory for databases, and an HTTP client: what tests of services start from.
class ServiceFixture : public testing::Test {
 protected:
  ServiceFixture() {
    std::filesystem::remove_all(directory_);
    std::filesystem::create_directories(directory_);
  }
  ~ServiceFixture() override { std::filesystem::remove_all(directory_); }

  Service::Options options(const std::string& name = "shipping") {
    return {.name = name,
            .listen = "127.0.0.1:0",
            .server = server_->url(),
            .database = directory_ + "/" + name + ".db",
            .http_workers = 4,
            .publish_timeout = std::chrono::seconds(30)};
  }

  // An event of topic order.events.
  void publish(const std::string& id, const std::string& type = "OrderPaid", Json data = Json::object(),
               const std::string& key = "O-1") {
    server_->publish("order.events", {.key = key,
                                      .value = std::move(data),
                                      .headers = {{"ce_id", id},
                                                  {"ce_type", type},
                                                  {"ce_specversion", "1.0"},
                                                  {"correlationid", "flow-1"},
                                                  {"traceparent", trace_}},
                                      .service = "order"});
  }

  static Result<runtime::HttpResponse> ask(const Service& service, runtime::HttpRequest request) {
    auto url = runtime::Url::parse("http://" + service.address()).value();
    runtime::BlockingHttpClient client;
    return client.request(url, std::move(request), Deadline::after(system_clock(), std::chrono::seconds(30)));
  }

  static int64_t count(Service& service, const std::string& table) {
    return service
        .read([&](Tx& tx) -> Result<int64_t> {
          auto row = tx.first("SELECT count(*) FROM " + table);
          if (!row) return std::unexpected(row.error());
          return (*row)->integer(0);
        })
        .value();
  }

  static std::vector<relay::OutboxRow> outbox(Service& service,
                                              relay::OutboxTable table = relay::OutboxTable::outbox) {
    std::vector<relay::OutboxRow> rows;
    auto done = service.database().read([&](relay::Transaction& tx) -> Result<void> {
      rows = relay::Outbox(table).list(tx, "", 100).value();
      return {};
    });
    EXPECT_TRUE(done);
    return rows;
  }

  std::string directory_ = testing::TempDir() + "pabal_service_test_" + std::to_string(::getpid());
  std::string trace_ = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  std::unique_ptr<relay::FakeServer> server_ = std::make_unique<relay::FakeServer>();
};

}  // namespace pabal::sdk
