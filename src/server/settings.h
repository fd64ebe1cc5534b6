#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.h"
#include "base/error.h"

namespace pabal::server {

// What can be set about a server. Every member has a default.
struct Settings {
  std::string data_dir = "./pabal-data";
  std::string http_address = "127.0.0.1:8080";
  std::vector<std::string> allowed_hosts = {};
  std::string kafka_address = {};     // "off", or empty: see kafka_listener()
  std::string kafka_advertised = {};  // empty: the address
  std::string kafka_tls_certificate = {};
  std::string kafka_tls_key = {};
  std::string kafka_client_authorities = {};
  Duration kafka_session_lifetime = Duration::zero();  // for ever
  std::string token_file = {};
  std::string tls_certificate = {};
  std::string tls_key = {};
  std::string ports_file = {};
  bool auto_create_topics = true;
  int shards = 0;  // 0: one for each core
  std::string log_level = "info";
  std::vector<std::string> search_headers = {"ce_subject", "order"};
  Duration trace_retention = std::chrono::hours(24);
  uint64_t trace_bytes = uint64_t{1} << 30;
  uint64_t disk_reserve_bytes = 0;  // 0: 5 % of the disk, at least 256 MiB
};

// One thing that can be set: in the file by its key, in the environment, by a flag; each overrides the one
// before.
struct Setting {
  std::string_view key;       // "http.token_file"
  std::string_view flag;      // "--token-file"
  std::string_view variable;  // "PABAL_TOKEN_FILE"
  std::string_view value;     // "FILE", as help shows it
  std::string_view help;
  bool is_list = false;  // several values; a variable separates them by commas
  // Takes the value, or says what would be right.
  Result<void> (*set)(Settings&, const std::string& text);
};

// All of them, in the order in which help lists them.
[[nodiscard]] std::span<const Setting> all_settings();

// Takes one value from `source`, which names the place in errors: "--http", "PABAL_HTTP", "pabal.yaml, line
// 3".
Result<void> set(Settings& settings, const Setting& setting, const std::vector<std::string>& values,
                 std::string_view source);

// Takes what the environment says. `get` is std::getenv but in tests.
Result<void> read_environment(Settings& settings, const char* (*get)(const char* name));

// Where the Kafka door listens; empty: it does not.
[[nodiscard]] std::string kafka_listener(const Settings& settings);
// Whether Kafka's clients have to say who they are.
[[nodiscard]] bool kafka_authenticates(const Settings& settings);

// What only shows when all is known: things that belong together, and an address that must not be open to
// all.
Result<void> check_settings(const Settings& settings);

}  // namespace pabal::server
