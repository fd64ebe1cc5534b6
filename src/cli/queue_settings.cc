#include "cli/queue_settings.h"

namespace pabal::cli {

void QueueSettingsOptions::add_to(CLI::App* verb) {
  verb->add_option("--topic", topic, "the topic it reads; its own when left out");
  verb->add_option("--from", from, "latest, earliest or a time");
  verb->add_option("--type", types, "only events of these types");
  verb->add_option("--visibility", visibility, "how long a lease lasts, like 30s");
  verb->add_option("--max-deliveries", max_deliveries, "tries before a message is dead")
      ->check(CLI::PositiveNumber);
  verb->add_option("--backoff-first", backoff_first, "the wait after the first failure, like 1s");
  verb->add_option("--backoff-max", backoff_max, "the longest wait between tries, like 5m");
  verb->add_option("--dead-letter", dead_letter, "the topic of its dead letters");
  verb->add_option("--order", order, "none or key")->check(CLI::IsMember({"none", "key"}));
  verb->add_option("--on-dead", on_dead, "continue or hold")->check(CLI::IsMember({"continue", "hold"}));
  verb->add_option("--max-depth", max_depth, "messages that may wait")->check(CLI::PositiveNumber);
  verb->add_option("--max-bytes", max_bytes, "bytes that may wait, like 10GiB");
  verb->add_option("--max-age", max_age, "how long a message may wait, like 14d");
  verb->add_option("--overflow", overflow, "dead_letter or release")
      ->check(CLI::IsMember({"dead_letter", "release"}));
  verb->add_option("--push", push_url, "push messages to this URL");
  verb->add_option("--push-concurrency", push_concurrency, "requests at a time")->check(CLI::PositiveNumber);
  verb->add_option("--push-timeout", push_timeout, "how long the endpoint may take, like 10s");
  verb->add_option("--push-secret", push_secret, "whsec_…, with --push: requests are signed with it")
      ->envname("PABAL_PUSH_SECRET");
  verb->add_flag("--no-push", no_push, "push no more; messages are pulled");
}

Json QueueSettingsOptions::json() const {
  Json body = Json::object();
  auto put = [&](const char* name, const std::string& value) {
    if (!value.empty()) body[name] = value;
  };
  put("topic", topic);
  put("from", from);
  if (!types.empty()) body["filter"]["type"] = types;
  put("visibility", visibility);
  if (max_deliveries > 0) body["max_deliveries"] = max_deliveries;
  if (!backoff_first.empty()) body["backoff"]["first"] = backoff_first;
  if (!backoff_max.empty()) body["backoff"]["max"] = backoff_max;
  put("dead_letter", dead_letter);
  put("order", order);
  put("on_dead", on_dead);
  if (max_depth > 0) body["max_depth"] = max_depth;
  put("max_bytes", max_bytes);
  put("max_age", max_age);
  put("overflow", overflow);
  if (!push_url.empty()) body["push"]["url"] = push_url;
  if (push_concurrency > 0) body["push"]["concurrency"] = push_concurrency;
  if (!push_timeout.empty()) body["push"]["timeout"] = push_timeout;
  if (!push_secret.empty() && !push_url.empty()) body["push"]["secret"] = push_secret;
  if (no_push) body["push"] = nullptr;
  return body;
}

}  // namespace pabal::cli
