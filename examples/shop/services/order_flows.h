#pragma once

#include <chrono>
#include <string>

#include "shop/services/order_book.h"
#include "shop/services/settings.h"

namespace shop {

// A customer listens until then; whoever decides later than that decides for nobody.
using DecideBy = std::chrono::steady_clock::time_point;

// The ways in which an order can be placed, and cancelled. Each answers what the customer is told. Any
// thread.
class OrderFlows {
 public:
  OrderFlows(Service& service, const Settings& settings) : service_(service), settings_(settings) {}

  // Order calls payment, which calls notification; each waits for the next.
  Result<Response> place_chain_of_three(const Order& order);
  // Order calls everybody, one after the other. When a call fails it answers an error and undoes nothing.
  Result<Response> place_chain(const Order& order);
  // Order asks those whose yes or no the customer wants to hear; the rest hear of it by an event.
  Result<Response> place_hybrid(const Order& order, DecideBy decide_by);
  // "Accepted, outcome later": one durable publish. When the server is away, the event waits in our own
  // database.
  Result<Response> place_async(const Order& order, DecideBy decide_by);

  Result<Response> cancel_chain_of_three(const Order& order);
  Result<Response> cancel_chain(const Order& order);
  Result<Response> cancel_hybrid(const Order& order, DecideBy decide_by);
  Result<Response> cancel_async(const Order& order, DecideBy decide_by);

  // Undoes an order that could not be done: whoever did something for it hears that it was not to be.
  Result<void> give_up(const Order& order, const std::string& reason);

 private:
  struct Call {
    std::string step;  // what is done when it succeeds
    std::string peer;
    std::string path;
  };
  Result<Response> run_chain(const Order& order, const std::string& kind, const std::vector<Call>& calls);
  Result<std::string> call(const Order& order, const std::string& kind, const Call& call);
  Result<Response> accept(const Order& order, const std::string& type, const std::string& id);
  Result<Response> commit_paid(const Order& order);
  Result<Response> refuse(const Order& order, const std::string& reason);

  Service& service_;
  const Settings& settings_;
};

// What a customer is told about an order in that state.
[[nodiscard]] Response answer_for(const order_book::Entry& entry);

}  // namespace shop
