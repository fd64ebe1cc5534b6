#include <gmock/gmock.h>

#include "doors/kafka/kafka_fixture.h"
#include "doors/kafka/topic_configs.h"

namespace pabal::doors {
namespace {

using kafka::ConfigOperation;
using kafka::ConfigResource;
using kafka::ConfigSource;
using kafka::KafkaError;
using testing::HasSubstr;
using Entry = kafka::DescribeConfigsResponse::Result::ResourceResult;
using Step = kafka::IncrementalAlterConfigsRequest::AlterConfigsResource::AlterableConfig;
using Setting = kafka::AlterConfigsRequest::Resource::AlterableConfig;

class KafkaConfigsTest : public KafkaFixture {
 protected:
  void SetUp() override {
    KafkaFixture::SetUp();
    make("t");
  }
  kafka::DescribeConfigsResponse::Result describe(ConfigResource type, const std::string& name,
                                                  std::optional<std::vector<std::string>> keys = {}) {
    kafka::DescribeConfigsRequest request{.resources = {{type, name, std::move(keys)}},
                                          .include_synonyms = true,
                                          .include_documentation = true};
    return ask(describe_configs, request, 4).results.at(0);
  }
  Entry entry(const std::string& name, const std::string& topic = "t") {
    auto all = describe(ConfigResource::topic, topic, {{name}});
    return all.configs.empty() ? Entry{.name = "none"} : all.configs.at(0);
  }
  std::string value(const std::string& name) { return entry(name).value.value_or("none"); }

  // "", or the error and what was said.
  template <class Response>
  static std::string outcome(const Response& response) {
    const auto& one = response.responses.at(0);
    if (one.error_code == KafkaError::none) return "";
    return fmt::format("{}: {}", kafka::name_of(one.error_code), one.error_message.value_or(""));
  }
  std::string step(std::vector<Step> steps, bool validate_only = false, const std::string& topic = "t") {
    kafka::IncrementalAlterConfigsRequest request{
        .resources = {{ConfigResource::topic, topic, std::move(steps)}}, .validate_only = validate_only};
    return outcome(ask(incremental_alter_configs, request, 1));
  }
  std::string set(const std::string& name, const std::string& to) {
    return step({{name, ConfigOperation::set, to}});
  }
  std::string alter(std::vector<Setting> settings, ConfigResource type = ConfigResource::topic,
                    const std::string& name = "t") {
    kafka::AlterConfigsRequest request{.resources = {{type, name, std::move(settings)}}};
    return outcome(ask(alter_configs, request, 2));
  }
};

TEST_F(KafkaConfigsTest, settings_of_ours_are_set_and_shown_under_kafkas_names) {
  struct Case {
    std::string name, to;
  };
  for (const Case& one : std::vector<Case>{{"retention.ms", "60000"},
                                           {"retention.ms", "-1"},
                                           {"retention.bytes", "1000000"},
                                           {"retention.bytes", "-1"},
                                           {"cleanup.policy", "compact"},
                                           {"cleanup.policy", "compact,delete"},
                                           {"cleanup.policy", "delete"},
                                           {"delete.retention.ms", "1000"},
                                           {"max.message.bytes", "1000"},
                                           {"message.timestamp.type", "LogAppendTime"}}) {
    EXPECT_EQ(set(one.name, one.to), "") << one.name;
    EXPECT_EQ(value(one.name), one.to) << one.name;
  }
  restart();
  const broker::TopicSettings settings = info("t").settings;
  EXPECT_EQ(settings.retention_time, Duration::zero());
  EXPECT_EQ(settings.retention_bytes, 0U);
  EXPECT_EQ(settings.tombstones_kept, std::chrono::seconds(1));
  EXPECT_EQ(settings.message_bytes_max, 1000U);
  EXPECT_EQ(settings.timestamps, broker::Timestamps::append);
  EXPECT_TRUE(settings.kept.empty());
}

TEST_F(KafkaConfigsTest, retention_of_nothing_is_the_least_there_is) {
  EXPECT_EQ(set("retention.ms", "0"), "");
  EXPECT_EQ(info("t").settings.retention_time, std::chrono::milliseconds(1));
  EXPECT_EQ(set("retention.bytes", "0"), "");
  EXPECT_EQ(info("t").settings.retention_bytes, 1U);
  EXPECT_EQ(set("retention.ms", "9223372036854775807"), "");
  EXPECT_EQ(value("retention.ms"), "-1");
}

TEST_F(KafkaConfigsTest, kafkas_other_settings_are_kept_and_given_back) {
  EXPECT_EQ(value("segment.ms"), "604800000");
  EXPECT_EQ(entry("segment.ms").config_source, ConfigSource::default_value);
  EXPECT_EQ(set("segment.ms", "5000"), "");
  restart();
  EXPECT_EQ(value("segment.ms"), "5000");
  EXPECT_EQ(entry("segment.ms").config_source, ConfigSource::topic);
  EXPECT_THAT(*entry("segment.ms").documentation, HasSubstr("without effect"));
  EXPECT_EQ(entry("message.downconversion.enable").name, "none");  // newer Kafkas do not know it
  EXPECT_EQ(set("message.downconversion.enable", "false"), "");
  EXPECT_EQ(value("message.downconversion.enable"), "false");
}

TEST_F(KafkaConfigsTest, a_bad_name_or_value_is_refused_with_what_was_read_and_what_would_be_right) {
  EXPECT_EQ(set("retention", "1"),
            "INVALID_CONFIG: \"retention\" is no setting of a topic; right is one that Kafka knows, like "
            "retention.ms");
  EXPECT_EQ(set("retention.ms", "7d"),
            "INVALID_CONFIG: retention.ms: read \"7d\"; right is a whole number from -1 to "
            "9223372036854775807");
  EXPECT_EQ(set("max.message.bytes", "4194305"),
            "INVALID_CONFIG: max.message.bytes: read \"4194305\"; right is a whole number from 1 to 4194304");
  EXPECT_EQ(set("preallocate", "yes"), "INVALID_CONFIG: preallocate: read \"yes\"; right is true or false");
  EXPECT_EQ(set("min.cleanable.dirty.ratio", "1.5"),
            "INVALID_CONFIG: min.cleanable.dirty.ratio: read \"1.5\"; right is a number from 0 to 1");
  EXPECT_EQ(set("cleanup.policy", "compact,keep"),
            "INVALID_CONFIG: cleanup.policy: read \"compact,keep\"; right is one of: delete compact "
            "compact,delete delete,compact");
  EXPECT_THAT(set("segment.bytes", "3000000000"), HasSubstr("from 14 to 2147483647"));
  EXPECT_THAT(set("compression.type", "brotli"), HasSubstr("producer uncompressed gzip"));
  EXPECT_EQ(step({{"retention.ms", ConfigOperation::set, std::nullopt}}),
            "INVALID_CONFIG: retention.ms without a value");
  EXPECT_THAT(step({{"retention.ms", ConfigOperation(9), "1"}}), HasSubstr("operation 9; 0 to 3 are known"));
  EXPECT_EQ(info("t").settings, options.topic_defaults);
}

TEST_F(KafkaConfigsTest, one_bad_setting_of_a_topic_changes_none_of_it) {
  EXPECT_NE(step({{"retention.ms", ConfigOperation::set, "60000"}, {"x", ConfigOperation::set, "1"}}), "");
  EXPECT_THAT(
      step({{"retention.ms", ConfigOperation::set, "1"}, {"retention.ms", ConfigOperation::set, "2"}}),
      HasSubstr("INVALID_REQUEST: \"retention.ms\" comes twice"));
  EXPECT_EQ(info("t").settings, options.topic_defaults);
}

TEST_F(KafkaConfigsTest, what_is_not_named_stays_or_goes_back_as_the_call_says) {
  ASSERT_EQ(set("retention.ms", "60000"), "");
  ASSERT_EQ(set("segment.ms", "5000"), "");
  ASSERT_EQ(set("flush.ms", "7"), "");
  EXPECT_EQ(step({{"flush.ms", ConfigOperation::remove, std::nullopt}}), "");
  EXPECT_EQ(value("retention.ms") + " " + value("segment.ms"), "60000 5000");
  EXPECT_EQ(value("flush.ms"), "9223372036854775807");
  EXPECT_EQ(alter({{"segment.ms", "6000"}}), "");
  EXPECT_EQ(value("segment.ms"), "6000");
  EXPECT_EQ(value("retention.ms"), "604800000");
  EXPECT_EQ(entry("retention.ms").config_source, ConfigSource::default_value);
}

TEST_F(KafkaConfigsTest, lists_are_added_to_and_taken_from) {
  const std::string name = "leader.replication.throttled.replicas";
  EXPECT_EQ(step({{name, ConfigOperation::append, "0:1,1:1"}}), "");
  EXPECT_EQ(step({{name, ConfigOperation::append, "2:1,0:1"}}), "");
  EXPECT_EQ(value(name), "1:1,2:1,0:1");
  EXPECT_EQ(step({{name, ConfigOperation::subtract, "2:1"}}), "");
  EXPECT_EQ(value(name), "1:1,0:1");
  EXPECT_EQ(step({{"cleanup.policy", ConfigOperation::append, "delete"}}), "");
  EXPECT_EQ(step({{"cleanup.policy", ConfigOperation::append, "compact"}}), "");
  EXPECT_EQ(value("cleanup.policy"), "compact,delete");
  EXPECT_EQ(step({{"cleanup.policy", ConfigOperation::subtract, "delete"}}), "");
  EXPECT_EQ(value("cleanup.policy"), "compact");
  EXPECT_THAT(step({{"retention.ms", ConfigOperation::append, "1"}}), HasSubstr("is no list"));
}

TEST_F(KafkaConfigsTest, what_is_only_validated_changes_nothing) {
  EXPECT_EQ(step({{"retention.ms", ConfigOperation::set, "1000"}}, true), "");
  EXPECT_NE(step({{"retention.ms", ConfigOperation::set, "x"}}, true), "");
  EXPECT_EQ(info("t").settings, options.topic_defaults);
}

TEST_F(KafkaConfigsTest, durability_is_shown_and_stays_as_the_topic_was_made) {
  make("fast", {.durability = broker::Durability::written});
  EXPECT_EQ(entry("pabal.durability", "fast").value, "written");
  EXPECT_TRUE(entry("pabal.durability", "fast").read_only);
  EXPECT_EQ(alter({{"retention.ms", "1000"}}, ConfigResource::topic, "fast"), "");
  EXPECT_EQ(info("fast").settings.durability, broker::Durability::written);
  EXPECT_THAT(step({{"pabal.durability", ConfigOperation::set, "flushed"}}, false, "fast"),
              HasSubstr("INVALID_CONFIG: durability: \"written\" stands"));
}

TEST_F(KafkaConfigsTest, a_compacted_topic_may_be_told_its_retention_all_the_same) {
  EXPECT_EQ(alter({{"cleanup.policy", "compact"}, {"retention.ms", "60000"}}), "");
  EXPECT_EQ(value("retention.ms"), "60000");
  put_queue("q");
  EXPECT_THAT(alter({{"cleanup.policy", "compact"}}, ConfigResource::topic, "q.dead"),
              HasSubstr("INVALID_CONFIG: queue q puts its dead letters into"));
}

TEST_F(KafkaConfigsTest, the_servers_settings_are_shown_and_read_only) {
  auto server = describe(ConfigResource::broker, "1");
  auto found = std::ranges::find(server.configs, "log.retention.ms", &Entry::name);
  ASSERT_NE(found, server.configs.end());
  EXPECT_EQ(found->value, "604800000");
  EXPECT_EQ(found->config_source, ConfigSource::static_broker);
  for (const Entry& one : server.configs) EXPECT_TRUE(one.read_only) << one.name;
  EXPECT_TRUE(std::ranges::is_sorted(server.configs, {}, &Entry::name));
  EXPECT_TRUE(describe(ConfigResource::broker, "").configs.empty());
  EXPECT_EQ(describe(ConfigResource::broker, "2").error_code, KafkaError::invalid_request);
  EXPECT_THAT(alter({{"num.partitions", "3"}}, ConfigResource::broker, "1"),
              HasSubstr("INVALID_REQUEST: the server's settings are read-only"));
}

TEST_F(KafkaConfigsTest, what_has_no_settings_is_refused) {
  EXPECT_EQ(describe(ConfigResource::topic, "none").error_code, KafkaError::unknown_topic_or_partition);
  EXPECT_EQ(describe(ConfigResource::topic, "__pabal.topics").error_code,
            KafkaError::unknown_topic_or_partition);
  EXPECT_EQ(describe(ConfigResource::group, "g").error_code, KafkaError::invalid_request);
  EXPECT_THAT(alter({}, ConfigResource::topic, "none"), HasSubstr("UNKNOWN_TOPIC_OR_PARTITION"));
  EXPECT_THAT(alter({}, ConfigResource::topic, "__pabal.topics"), HasSubstr("UNKNOWN_TOPIC_OR_PARTITION"));
  EXPECT_THAT(alter({}, ConfigResource::group, "g"), HasSubstr("INVALID_REQUEST"));
}

TEST_F(KafkaConfigsTest, every_setting_takes_back_what_it_shows) {
  const broker::TopicSettings defaults;
  for (const ShownConfig& config : topic_configs(defaults, defaults)) {
    broker::TopicChange change;
    EXPECT_TRUE(set_topic_config(config.name, config.value, change)) << config.name << " " << config.value;
  }
}

}  // namespace
}  // namespace pabal::doors
