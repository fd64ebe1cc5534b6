#pragma once

#include <string>

#include "engine/engine.h"
#include "log/published.h"

namespace pabal::engine {

// What state the engine is in and why. Any thread.
class Condition {
 public:
  using State = EngineHealth::State;
  struct Report {
    State state = State::ok;
    std::string reason;
  };

  [[nodiscard]] std::shared_ptr<const Report> get() const { return report_.get(); }
  [[nodiscard]] State state() const { return get()->state; }

  // read_only is for ever: no later call changes it.
  void set(State state, std::string reason) {
    report_.update([&](const Report& before) {
      return before.state == State::read_only ? before : Report{state, reason};
    });
  }

 private:
  log::Published<Report> report_;
};

}  // namespace pabal::engine
