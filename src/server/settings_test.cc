#include "server/settings.h"

#include <cstring>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "server/config_file.h"

namespace pabal::server {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

const Setting& setting(std::string_view key) {
  for (const Setting& s : all_settings()) {
    if (s.key == key) return s;
  }
  throw std::out_of_range(std::string(key));
}

std::string problem_in(const std::string& yaml) {
  Settings settings;
  auto read = read_config(settings, yaml, "pabal.yaml");
  return read ? "" : read.error().message;
}

TEST(Settings, AFileSetsAll) {
  Settings s;
  auto read = read_config(s, R"(
data: /var/lib/pabal
auto_create_topics: false
http:
  address: 127.0.0.1:0
  allowed_hosts: [pabal.example, box]
search_headers: invoice
trace: {retention: 2h, bytes: 64MiB}
)",
                          "f");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(s.data_dir, "/var/lib/pabal");
  EXPECT_FALSE(s.auto_create_topics);
  EXPECT_EQ(s.http_address, "127.0.0.1:0");
  EXPECT_THAT(s.allowed_hosts, ElementsAre("pabal.example", "box"));
  EXPECT_THAT(s.search_headers, ElementsAre("invoice"));
  EXPECT_EQ(s.trace_retention, std::chrono::hours(2));
  EXPECT_EQ(s.trace_bytes, 64U << 20);
  EXPECT_EQ(problem_in(""), "");
}

TEST(Settings, AnErrorNamesFileLineKeyWhatWasReadAndWhatIsRight) {
  EXPECT_THAT(problem_in("data: x\nhttp:\n  adress: y\n"),
              HasSubstr("pabal.yaml, line 3: http.adress is not known; known are data, http.address"));
  EXPECT_THAT(problem_in("\nshards: many\n"),
              HasSubstr("pabal.yaml, line 2: shards: read 'many'; right is a number of threads from 1"));
  EXPECT_THAT(problem_in("http: 127.0.0.1:80"),
              HasSubstr("line 1: http: read something else; right is a map"));
  EXPECT_THAT(problem_in("data: [a]"), HasSubstr("line 1: data: right is one value"));
  EXPECT_THAT(problem_in("data: a\ndata: b"), HasSubstr("twice"));
  EXPECT_THAT(problem_in("data: 'a"), HasSubstr("pabal.yaml, line"));
  EXPECT_THAT(problem_in("amqp: 5672"), HasSubstr("amqp is not known"));
  Settings s;
  EXPECT_FALSE(read_config_file(s, "/nonexistent/pabal.yaml"));
}

TEST(Settings, AWrongFileChangesNothing) {
  Settings s;
  EXPECT_FALSE(read_config(s, "data: other\nshards: x", "f"));
  EXPECT_EQ(s.data_dir, "./pabal-data");
}

TEST(Settings, TheEnvironmentIsRead) {
  Settings s;
  auto read = read_environment(s, [](const char* name) -> const char* {
    if (std::strcmp(name, "PABAL_HTTP") == 0) return "localhost:0";
    return std::strcmp(name, "PABAL_ALLOWED_HOST") == 0 ? "a,b:1" : nullptr;
  });
  ASSERT_TRUE(read);
  EXPECT_EQ(s.http_address, "127.0.0.1:0");
  EXPECT_THAT(s.allowed_hosts, ElementsAre("a", "b:1"));
  auto wrong = read_environment(s, [](const char* name) -> const char* {
    return std::strcmp(name, "PABAL_HTTP") == 0 ? "x" : nullptr;
  });
  EXPECT_THAT(wrong.error().message, HasSubstr("PABAL_HTTP: read 'x'; right is HOST:PORT"));
}

TEST(Settings, EachValueIsChecked) {
  for (auto [key, text] :
       std::initializer_list<std::pair<const char*, const char*>>{{"data", ""},
                                                                  {"http.address", "8080"},
                                                                  {"http.address", "example.org:80"},
                                                                  {"http.address", "127.0.0.1"},
                                                                  {"http.allowed_hosts", ""},
                                                                  {"auto_create_topics", "yes"},
                                                                  {"shards", "0"},
                                                                  {"log_level", "loud"},
                                                                  {"trace.retention", "1"},
                                                                  {"trace.bytes", "10"},
                                                                  {"kafka.session_lifetime", "0s"},
                                                                  {"disk_reserve", "0"}}) {
    Settings s;
    auto done = set(s, setting(key), {text}, "source");
    ASSERT_FALSE(done) << key << " " << text;
    EXPECT_THAT(done.error().message, HasSubstr("source: read '"));
    EXPECT_THAT(done.error().message, HasSubstr("right is"));
  }
}

TEST(Settings, KafkasClientsSayWhoTheyAreAsSoonAsAnybodyMust) {
  Settings s;
  EXPECT_EQ(kafka_listener(s), "127.0.0.1:9092");
  EXPECT_FALSE(kafka_authenticates(s));
  s.token_file = "tokens";
  EXPECT_EQ(kafka_listener(s), "127.0.0.1:9092");
  EXPECT_TRUE(kafka_authenticates(s));
  s.kafka_address = "127.0.0.1:9093";
  EXPECT_EQ(kafka_listener(s), "127.0.0.1:9093");
  s.kafka_address = "off";
  EXPECT_EQ(kafka_listener(s), "");
}

TEST(Settings, AnOpenKafkaAddressNeedsAuthentication) {
  Settings s;
  s.kafka_address = "0.0.0.0:9092";
  auto refused = check_settings(s);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--token-file FILE"));
  EXPECT_THAT(refused.error().message, HasSubstr("127.0.0.1:9092"));
  s.token_file = "tokens";
  EXPECT_TRUE(check_settings(s));
  s.token_file = "";
  s.kafka_client_authorities = "ca.pem";
  EXPECT_THAT(check_settings(s).error().message, HasSubstr("--kafka-client-ca needs TLS"));
  s.kafka_tls_certificate = "cert.pem";
  EXPECT_THAT(check_settings(s).error().message, HasSubstr("--kafka-tls-key is missing"));
  s.kafka_tls_key = "key.pem";
  EXPECT_TRUE(check_settings(s));
}

TEST(Settings, AnOpenAddressNeedsTokens) {
  Settings s;
  s.http_address = "0.0.0.0:8080";
  auto refused = check_settings(s);
  ASSERT_FALSE(refused);
  EXPECT_THAT(refused.error().message, HasSubstr("--token-file FILE"));
  EXPECT_THAT(refused.error().message, HasSubstr("127.0.0.1:8080"));
  s.token_file = "tokens";
  EXPECT_TRUE(check_settings(s));
  for (const char* loopback : {"127.0.0.1:0", "127.1.2.3:80", "[::1]:8080"}) {
    Settings own;
    own.http_address = loopback;
    EXPECT_TRUE(check_settings(own)) << loopback;
  }
  s.tls_key = "key.pem";
  EXPECT_THAT(check_settings(s).error().message, HasSubstr("--tls-cert is missing"));
}

}  // namespace
}  // namespace pabal::server
