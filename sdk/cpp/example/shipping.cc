// A whole service: it ships what has been paid for, once, and says so.
#include <pabal/pabal.h>

namespace sdk = pabal::sdk;
using sdk::Result;

// One transaction with the note that this event was handled; undone as a whole when it fails.
static Result<void> start_shipment(sdk::Tx& tx, const sdk::Event& event) {
  auto address = event.text("address");
  if (!address) return std::unexpected(address.error());  // the event is wrong: a dead letter at once
  auto inserted = tx.run("INSERT INTO shipments VALUES(?, ?)", event.key, *address);
  if (!inserted) return std::unexpected(inserted.error());
  auto sent = tx.publish({.type = "ShipmentStarted", .key = event.key, .data = {{"address", *address}}});
  if (!sent) return std::unexpected(sent.error());
  return {};
}

static Result<sdk::Response> show_shipment(sdk::Service& service, const sdk::Request& request) {
  const std::string& id = request.param("id");
  return service.read([&](sdk::Tx& tx) -> Result<sdk::Response> {
    auto row = tx.first("SELECT address FROM shipments WHERE order_id = ?", id);
    if (!row) return std::unexpected(row.error());
    if (!*row) return sdk::error(sdk::ErrorCode::not_found, "no shipment for order {}", id);
    return sdk::Response{.body = {{"order_id", id}, {"address", (*row)->text(0)}}};
  });
}

// Asks the carrier for a label: tried again because of its key, given up after two seconds in all.
static Result<sdk::Response> print_label(sdk::Service& service, const sdk::Request& request) {
  const std::string& id = request.param("id");
  auto label = service.call("carrier").post("/labels", {{"order_id", id}}, "label-" + id);
  if (!label) return std::unexpected(label.error());
  return sdk::Response{.status = 201, .body = label->body};
}

int main(int argc, char** argv) {
  sdk::Service service({.name = "shipping",
                        .listen = argc > 2 ? argv[2] : "127.0.0.1:9004",
                        .server = argc > 1 ? argv[1] : "http://127.0.0.1:8080",
                        .database = "shipping.db"});
  service.tables({"CREATE TABLE IF NOT EXISTS shipments(order_id TEXT PRIMARY KEY, address TEXT NOT NULL)"});
  service.on("shipping.start", {.topic = "order.events", .types = {"OrderPaid"}, .workers = 2},
             start_shipment);
  service.peer("carrier", "http://127.0.0.1:9100", {.timeout = std::chrono::seconds(2)});
  service.http("GET", "/shipments/{id}",
               [&](const auto& request) { return show_shipment(service, request); });
  service.http("POST", "/shipments/{id}/label", [&](const auto& r) { return print_label(service, r); });
  return service.run();
}
