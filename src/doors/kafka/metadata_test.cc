#include <gmock/gmock.h>

#include "doors/kafka/kafka_fixture.h"

namespace pabal::doors {
namespace {

using kafka::KafkaError;
using Topic = kafka::MetadataResponse::Topic;

class KafkaMetadataTest : public KafkaFixture {
 protected:
  Topic asked(std::optional<std::string> name, TopicId id, int16_t version = 13) {
    kafka::MetadataRequest request{.topics = {{{.topic_id = id, .name = std::move(name)}}}};
    return ask(metadata, request, version).topics.at(0);
  }
};

TEST_F(KafkaMetadataTest, a_topic_is_found_by_its_id_whatever_name_stands_beside_it) {
  make("orders");
  TopicId id = info("orders").id;
  for (const std::optional<std::string>& name : {std::optional<std::string>(), {""}, {"payments"}}) {
    Topic found = asked(name, id);
    EXPECT_EQ(found.error_code, KafkaError::none);
    EXPECT_EQ(found.name, "orders");
    EXPECT_EQ(found.topic_id, id);
  }
  EXPECT_FALSE(exists("payments"));
}

TEST_F(KafkaMetadataTest, an_id_that_no_topic_has_is_given_back_with_the_error) {
  make("orders");
  TopicId unknown{.bytes = {1}};
  Topic missing = asked("", unknown);
  EXPECT_EQ(missing.error_code, KafkaError::unknown_topic_id);
  EXPECT_EQ(missing.name, std::nullopt);
  EXPECT_EQ(missing.topic_id, unknown);
}

}  // namespace
}  // namespace pabal::doors
