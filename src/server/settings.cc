#include "server/settings.h"

#include <array>
#include <charconv>
#include <fmt/format.h>

#include "base/units.h"
#include "doors/http/access.h"

namespace pabal::server {
namespace {

constexpr int shards_max = 256;
constexpr Duration kafka_session_min = std::chrono::seconds(1);
constexpr Duration kafka_session_max = std::chrono::days(366);
constexpr Duration trace_retention_max = std::chrono::days(366);
constexpr uint64_t trace_bytes_min = uint64_t{1} << 20;

std::unexpected<Error> wrong(std::string_view read, std::string_view right) {
  return error(ErrorCode::invalid, "read '{}'; right is {}", read, right);
}

Result<void> set_text(std::string& to, const std::string& text, std::string_view right) {
  if (text.empty()) return wrong(text, right);
  to = text;
  return {};
}

Result<void> set_data(Settings& s, const std::string& text) {
  return set_text(s.data_dir, text, "a directory");
}

Result<void> set_http(Settings& s, const std::string& text) {
  auto parts = doors::parse_host_port(text);
  if (!parts || parts->port.empty())
    return wrong(text, "HOST:PORT, such as 127.0.0.1:8080 (port 0 picks a free one)");
  if (parts->host != "localhost" && !doors::is_ip_address(parts->host)) {
    return wrong(text, "an IP address or localhost before the port");
  }
  s.http_address = parts->host == "localhost" ? "127.0.0.1:" + parts->port : text;
  return {};
}

Result<void> set_kafka(Settings& s, const std::string& text) {
  auto parts = doors::parse_host_port(text);
  bool is_address =
      parts && !parts->port.empty() && (parts->host == "localhost" || doors::is_ip_address(parts->host));
  if (text != "off" && !is_address) {
    return wrong(text, "off, or an IP address and port such as 127.0.0.1:9092 (port 0 picks a free one)");
  }
  s.kafka_address = is_address && parts->host == "localhost" ? "127.0.0.1:" + parts->port : text;
  return {};
}

Result<void> set_kafka_advertised(Settings& s, const std::string& text) {
  auto parts = doors::parse_host_port(text);
  if (!parts || parts->port.empty() || parts->port == "0") {
    return wrong(text, "HOST:PORT, such as localhost:9092");
  }
  s.kafka_advertised = text;
  return {};
}

Result<void> set_kafka_certificate(Settings& s, const std::string& text) {
  return set_text(s.kafka_tls_certificate, text, "a PEM file");
}
Result<void> set_kafka_key(Settings& s, const std::string& text) {
  return set_text(s.kafka_tls_key, text, "a PEM file");
}
Result<void> set_kafka_client_ca(Settings& s, const std::string& text) {
  return set_text(s.kafka_client_authorities, text, "a PEM file");
}
Result<void> set_kafka_session(Settings& s, const std::string& text) {
  auto d = parse_duration(text);
  if (!d || *d < kafka_session_min || *d > kafka_session_max) {
    return wrong(text, "a duration such as 1h, from 1s to 366d");
  }
  s.kafka_session_lifetime = *d;
  return {};
}

Result<void> add_allowed_host(Settings& s, const std::string& text) {
  if (!doors::parse_host_port(text)) return wrong(text, "a host name, with or without a port");
  s.allowed_hosts.push_back(text);
  return {};
}

Result<void> set_token_file(Settings& s, const std::string& text) {
  return set_text(s.token_file, text, "a file");
}
Result<void> set_certificate(Settings& s, const std::string& text) {
  return set_text(s.tls_certificate, text, "a PEM file");
}
Result<void> set_tls_key(Settings& s, const std::string& text) {
  return set_text(s.tls_key, text, "a PEM file");
}
Result<void> set_ports_file(Settings& s, const std::string& text) {
  return set_text(s.ports_file, text, "a file");
}

Result<void> set_auto_create(Settings& s, const std::string& text) {
  if (text != "true" && text != "false") return wrong(text, "true or false");
  s.auto_create_topics = text == "true";
  return {};
}

Result<void> set_shards(Settings& s, const std::string& text) {
  int n = 0;
  auto [stop, failed] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (failed != std::errc() || stop != text.data() + text.size() || n < 1 || n > shards_max) {
    return wrong(text, fmt::format("a number of threads from 1 to {}", shards_max));
  }
  s.shards = n;
  return {};
}

Result<void> set_log_level(Settings& s, const std::string& text) {
  for (std::string_view level : {"trace", "debug", "info", "warn", "error", "off"}) {
    if (text == level) return s.log_level = text, Result<void>();
  }
  return wrong(text, "one of trace, debug, info, warn, error, off");
}

Result<void> add_search_header(Settings& s, const std::string& text) {
  return set_text(s.search_headers.emplace_back(), text, "the name of a record header");
}

Result<void> set_trace_retention(Settings& s, const std::string& text) {
  auto d = parse_duration(text);
  if (!d || *d > trace_retention_max) return wrong(text, "a duration such as 24h, at most 366d");
  s.trace_retention = *d;
  return {};
}

Result<void> set_trace_bytes(Settings& s, const std::string& text) {
  auto bytes = parse_size(text);
  if (!bytes || *bytes < trace_bytes_min) return wrong(text, "a size such as 1GiB, at least 1MiB");
  s.trace_bytes = *bytes;
  return {};
}

Result<void> set_disk_reserve(Settings& s, const std::string& text) {
  auto bytes = parse_size(text);
  if (!bytes || *bytes == 0) return wrong(text, "a size such as 1GiB");
  s.disk_reserve_bytes = *bytes;
  return {};
}

constexpr std::array settings_table = {
    Setting{"data", "--data", "PABAL_DATA", "DIR", "where the data live (default ./pabal-data)", false,
            set_data},
    Setting{"http.address", "--http", "PABAL_HTTP", "ADDR",
            "address of the HTTP API and console (default 127.0.0.1:8080)", false, set_http},
    Setting{"http.allowed_hosts", "--allowed-host", "PABAL_ALLOWED_HOST", "NAME",
            "a further name the server is reached by; may be repeated", true, add_allowed_host},
    Setting{"kafka.address", "--kafka", "PABAL_KAFKA", "ADDR|off",
            "address for Kafka's clients (default 127.0.0.1:9092)", false, set_kafka},
    Setting{"kafka.advertised", "--kafka-advertised", "PABAL_KAFKA_ADVERTISED", "HOST:PORT",
            "what they are told to connect to (default: that address)", false, set_kafka_advertised},
    Setting{"kafka.tls_certificate", "--kafka-tls-cert", "PABAL_KAFKA_TLS_CERT", "FILE",
            "certificate chain (PEM); turns TLS on for Kafka's clients", false, set_kafka_certificate},
    Setting{"kafka.tls_key", "--kafka-tls-key", "PABAL_KAFKA_TLS_KEY", "FILE", "its private key (PEM)", false,
            set_kafka_key},
    Setting{"kafka.client_ca", "--kafka-client-ca", "PABAL_KAFKA_CLIENT_CA", "FILE",
            "authorities (PEM) whose certificates clients must show (mTLS)", false, set_kafka_client_ca},
    Setting{"kafka.session_lifetime", "--kafka-session-lifetime", "PABAL_KAFKA_SESSION_LIFETIME", "TIME",
            "after which a client authenticates again (default: never)", false, set_kafka_session},
    Setting{"http.token_file", "--token-file", "PABAL_TOKEN_FILE", "FILE",
            "who may use the server, by HTTP and Kafka: lines `NAME TOKEN`, readable by nobody else", false,
            set_token_file},
    Setting{"http.tls_certificate", "--tls-cert", "PABAL_TLS_CERT", "FILE",
            "certificate chain (PEM); turns TLS on", false, set_certificate},
    Setting{"http.tls_key", "--tls-key", "PABAL_TLS_KEY", "FILE", "its private key (PEM)", false,
            set_tls_key},
    Setting{"ports_file", "--ports-file", "PABAL_PORTS_FILE", "FILE",
            "written when ready: the chosen addresses as JSON", false, set_ports_file},
    Setting{"auto_create_topics", "--auto-create-topics", "PABAL_AUTO_CREATE_TOPICS", "BOOL",
            "make a topic on its first publish (default true)", false, set_auto_create},
    Setting{"shards", "--shards", "PABAL_SHARDS", "N", "threads that serve (default: one for each core)",
            false, set_shards},
    Setting{"log_level", "--log-level", "PABAL_LOG_LEVEL", "LEVEL",
            "trace, debug, info (default), warn, error, off", false, set_log_level},
    Setting{"search_headers", "--search-header", "PABAL_SEARCH_HEADERS", "NAME",
            "record headers that a trace is found by (default ce_subject, order)", true, add_search_header},
    Setting{"trace.retention", "--trace-retention", "PABAL_TRACE_RETENTION", "TIME",
            "how long traces are remembered (default 24h)", false, set_trace_retention},
    Setting{"trace.bytes", "--trace-bytes", "PABAL_TRACE_BYTES", "SIZE",
            "and in how much memory (default 1GiB)", false, set_trace_bytes},
    Setting{"disk_reserve", "--disk-reserve", "PABAL_DISK_RESERVE", "SIZE",
            "free space at which publishing stops (default 5 %, at least 256MiB)", false, set_disk_reserve},
};

std::vector<std::string> split(std::string_view text) {
  std::vector<std::string> parts;
  while (true) {
    size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    if (comma == std::string_view::npos) return parts;
    text.remove_prefix(comma + 1);
  }
}

}  // namespace

std::span<const Setting> all_settings() { return settings_table; }

Result<void> set(Settings& settings, const Setting& setting, const std::vector<std::string>& values,
                 std::string_view source) {
  if (setting.set == add_allowed_host) settings.allowed_hosts.clear();
  if (setting.set == add_search_header) settings.search_headers.clear();
  for (const std::string& value : values) {
    auto done = setting.set(settings, value);
    if (!done) return error(done.error().code, "{}: {}", source, done.error().message);
  }
  return {};
}

Result<void> read_environment(Settings& settings, const char* (*get)(const char* name)) {
  for (const Setting& setting : settings_table) {
    const char* value = get(std::string(setting.variable).c_str());
    if (value == nullptr) continue;
    std::vector<std::string> values = setting.is_list ? split(value) : std::vector<std::string>{value};
    if (auto done = set(settings, setting, values, setting.variable); !done) return done;
  }
  return {};
}

std::string kafka_listener(const Settings& settings) {
  if (settings.kafka_address == "off") return "";
  return settings.kafka_address.empty() ? "127.0.0.1:9092" : settings.kafka_address;
}

bool kafka_authenticates(const Settings& settings) {
  return !settings.token_file.empty() || !settings.kafka_client_authorities.empty();
}

namespace {

Result<void> check_pair(const std::string& certificate, const std::string& key, std::string_view flags) {
  if (certificate.empty() == key.empty()) return {};
  return error(ErrorCode::invalid, "{0}-cert and {0}-key belong together; {0}-{1} is missing", flags,
               key.empty() ? "key" : "cert");
}

Result<void> check_kafka(const Settings& settings) {
  auto pair = check_pair(settings.kafka_tls_certificate, settings.kafka_tls_key, "--kafka-tls");
  if (!pair) return pair;
  if (!settings.kafka_client_authorities.empty() && settings.kafka_tls_certificate.empty()) {
    return error(ErrorCode::invalid,
                 "--kafka-client-ca needs TLS: give --kafka-tls-cert and --kafka-tls-key too");
  }
  auto listen = doors::parse_host_port(kafka_listener(settings));
  if (!listen || doors::is_loopback(listen->host) || kafka_authenticates(settings)) return {};
  return error(
      ErrorCode::forbidden,
      "--kafka {} would let everybody who can reach it read and write everything. Let clients say who "
      "they are (--token-file FILE, with lines `NAME TOKEN`, or --kafka-client-ca FILE), and better "
      "give it TLS too (--kafka-tls-cert, --kafka-tls-key); or bind 127.0.0.1:{}",
      settings.kafka_address, listen->port);
}

}  // namespace

Result<void> check_settings(const Settings& settings) {
  if (auto pair = check_pair(settings.tls_certificate, settings.tls_key, "--tls"); !pair) return pair;
  if (auto fine = check_kafka(settings); !fine) return fine;
  auto listen = doors::parse_host_port(settings.http_address);
  if (listen && !doors::is_loopback(listen->host) && settings.token_file.empty()) {
    return error(
        ErrorCode::forbidden,
        "--http {} would let everybody who can reach it read and change everything. Give it a file of "
        "tokens: --token-file FILE, with lines `NAME TOKEN`, and better TLS too (--tls-cert, --tls-key); or "
        "bind 127.0.0.1:{}",
        settings.http_address, listen->port);
  }
  return {};
}

}  // namespace pabal::server
