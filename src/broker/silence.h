#pragma once

#include "broker/observer.h"

namespace pabal::broker {

// An observer that hears nothing, for simulations.
class Silence final : public Observer {
 public:
  void published(std::string_view, const RecordSeen&, Duration) override {}
  void message(const MessageSeen&) override {}
  void consumer_joined(std::string_view, std::string_view) override {}
  void consumer_left(std::string_view, std::string_view, std::string_view) override {}
};

}  // namespace pabal::broker
