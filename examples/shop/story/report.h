#pragma once

#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "shop/money/money.h"

namespace shop {

// How often something happened that should happen once for each of `due`.
struct OnceEach {
  int64_t due = 0;
  int64_t done = 0;
  int64_t lost = 0;
  int64_t doubled = 0;
};

// Numbers with one decimal place are kept in tenths, so that two counts of the same thing are equal or not.
struct ActReport {
  struct {
    int64_t submitted = 0;
    int64_t answered = 0;
    int64_t failed = 0;
    int64_t paid_but_told_failed = 0;
    int64_t cancelled = 0;
    int64_t rejected = 0;
    int64_t per_second_tenths = 0;
    int64_t answered_while_server_away = 0;
  } orders;
  struct {
    int64_t p50_tenths = 0;
    int64_t p99_tenths = 0;
    int64_t max_tenths = 0;
    int64_t predicted = 0;  // the sum of the service times and hops that the customer waits for
  } response_ms;
  OnceEach payments;
  Money paid;
  OnceEach refunds;
  Money refunded;
  OnceEach emails;
  OnceEach shipments;
  OnceEach settlements;
  struct {
    int64_t due = 0;
    int64_t done = 0;
  } points;
  struct {
    int64_t start = 0;
    int64_t sold = 0;
    int64_t restocked = 0;
    int64_t left = 0;
    int64_t articles_that_do_not_add_up = 0;
  } stock;
  struct {
    uint64_t read = 0;
    uint64_t used = 0;
    uint64_t refused = 0;
  } input_lines;
  std::vector<uint64_t> refused_lines;  // in the order of the file
  struct {
    int64_t published = 0;
    int64_t redelivered = 0;
    int64_t dead = 0;
  } events;
  int64_t caught_up_tenths = 0;
  nlohmann::json more = nlohmann::json::object();  // what only one act has to tell: burst, slow, crash

  // Nothing that was due is missing, nothing happened twice, and the stock adds up.
  [[nodiscard]] bool whole() const;
};

[[nodiscard]] nlohmann::json to_json(const ActReport& report);

// Every figure of `recount` that `report` does not have, or has otherwise: "emails.done: 5, counted again:
// 6".
[[nodiscard]] std::vector<std::string> differences(const nlohmann::json& report,
                                                   const nlohmann::json& recount);

// All acts side by side, one line of figures each, for people.
[[nodiscard]] std::string to_table(const std::vector<std::pair<std::string, ActReport>>& acts);

}  // namespace shop
