#pragma once

#include <chrono>
#include <functional>
#include <pabal/pabal.h>
#include <string>
#include <vector>

#include "shop/orders/order_message.h"

namespace shop {

using pabal::sdk::Event;
using pabal::sdk::Request;
using pabal::sdk::Response;
using pabal::sdk::Service;
using pabal::sdk::Tx;

// Microseconds since 1970: the `at_us` of every table.
[[nodiscard]] int64_t now_us();

// What the work of a service takes, in a demonstration.
void work_for(std::chrono::milliseconds time);

// Handles an event that carries an order, given to it read and checked.
using OrderHandler = std::function<Result<void>(Tx& tx, const Order& order, const Event& event)>;
// An EventHandler of it, which also notes each delivery after the first, and each event that it gives up.
[[nodiscard]] pabal::sdk::EventHandler of_order(Service& service, OrderHandler handler);

// How the shop's services hear of events: what a killed service held in its hands is given out again soon.
[[nodiscard]] pabal::sdk::QueueOptions hearing(std::string topic, std::vector<std::string> types,
                                               int workers = 1);

// The order in the body of a request.
[[nodiscard]] Result<Order> order_in(const Request& request);

// An event about an order, to be published.
[[nodiscard]] Event about(const Order& order, std::string type, Json more = Json::object());
// Publishes it with the transaction. In a chain, where everybody waits for everybody, there are no events.
[[nodiscard]] Result<void> tell(Tx& tx, const Order& order, std::string type, Json more = Json::object());
// The answer to what was asked by an event is an event; who asked by a request has the response.
[[nodiscard]] Result<void> answer_by_event(Tx& tx, const Order& order, std::string type,
                                           Json more = Json::object());

// Declares what all services of the shop have: their tables next to `own_tables`, GET /health, and GET
// /ledger with what `ledger` adds to it and the time of the last row in `effects`.
struct Books {
  std::vector<std::string> own_tables;
  std::vector<std::string> effects;  // tables with an at_us
  std::function<Result<Json>(Tx& tx)> ledger;
  std::string unfinished = {};                 // SQL that counts what is begun and not ended yet
  std::function<Result<void>()> prepare = {};  // may be repeated; GET /health says yes once it has succeeded
};
void keep_books(Service& service, Books books);

// The first column of each row, as a JSON array of texts.
[[nodiscard]] Result<Json> texts(Tx& tx, const std::string& query);
// The first two columns of each row, as arrays of two texts.
[[nodiscard]] Result<Json> pairs(Tx& tx, const std::string& query);

}  // namespace shop
