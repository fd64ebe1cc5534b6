// The real server with nothing to do: how soon it is ready, what it holds, how often it wakes up.
#include <vector>

#include "figures.h"
#include "measures.h"
#include "served.h"
#include "store.h"

namespace pabal::bench {
namespace {

constexpr int starts = 5;
constexpr Duration idle_time = std::chrono::seconds(10);

double ready_ms(const std::string& pabal, const std::string& data_dir) {
  Served server({.pabal = pabal, .data_dir = data_dir});
  double ms = microseconds(server.ready_after()) / 1e3;
  server.stop();
  return ms;
}

}  // namespace

void measure_idle(const Options& options, Report& report) {
  std::vector<double> first;
  std::vector<double> again;
  for (int i = 0; i < starts; ++i) {
    Scratch scratch(options.directory + "/idle");
    first.push_back(ready_ms(options.pabal, scratch.path() + "/data"));
    again.push_back(ready_ms(options.pabal, scratch.path() + "/data"));
  }
  Scratch scratch(options.directory + "/idle");
  Served server({.pabal = options.pabal, .data_dir = scratch.path() + "/data"});
  uint64_t before = server.voluntary_switches();
  server.leave_alone(idle_time);
  double switches = static_cast<double>(server.voluntary_switches() - before) /
                    std::chrono::duration<double>(idle_time).count();
  report.result("ready_ms", median(first));
  report.result("ready_again_ms", median(again));
  report.result("idle_mb", server.resident_mb());
  report.result("idle_switches", switches);
  report.raw("idle", {{"ready_ms", first},
                      {"ready_again_ms", again},
                      {"resident_mb", server.resident_mb()},
                      {"threads", server.threads()},
                      {"open_files", server.open_files()},
                      {"voluntary_switches_per_s", switches}});
  server.stop();
}

}  // namespace pabal::bench
