#include "base/units.h"
#include "queue_consumer.h"

namespace pabal::sdk {

namespace {

// What QueueOptions and PushOptions have in common; what is not given is left out and keeps its value.
template <class Options>
Json common_settings(const Options& options) {
  Json settings = {{"topic", options.topic}, {"from", options.from}};
  if (!options.types.empty()) settings["filter"] = {{"type", options.types}};
  if (options.max_deliveries) settings["max_deliveries"] = *options.max_deliveries;
  if (options.dead_letter) settings["dead_letter"] = *options.dead_letter;
  if (options.backoff) {
    settings["backoff"] = {{"first", format_duration(options.backoff->first)},
                           {"factor", options.backoff->factor},
                           {"max", format_duration(options.backoff->max)}};
  }
  return settings;
}

}  // namespace

Json queue_settings(const QueueOptions& options) {
  Json settings = common_settings(options);
  if (options.visibility) settings["visibility"] = format_duration(*options.visibility);
  if (options.order_by_key) settings["order"] = "key";
  return settings;
}

Json push_settings(const PushOptions& options, const std::string& url) {
  Json settings = common_settings(options);
  settings["push"] = {
      {"url", url}, {"concurrency", options.concurrency}, {"timeout", format_duration(options.timeout)}};
  if (!options.secret.empty()) settings["push"]["secret"] = options.secret;
  return settings;
}

}  // namespace pabal::sdk
