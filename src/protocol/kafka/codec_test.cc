#include "protocol/kafka/codec.h"

#include <algorithm>
#include <fstream>
#include <gtest/gtest.h>
#include <map>
#include <sstream>

#include "protocol/kafka/apis.h"
#include "protocol/kafka/header.h"
#include "protocol/kafka/test_values.h"

namespace pabal::kafka {
namespace {

constexpr std::type_identity<Exchanges> every_exchange;
constexpr int values_per_version = 10;

SharedBytes joined(std::vector<SharedBytes> pieces) {
  return SharedBytes(Records{std::move(pieces)}.joined());
}

template <class Message>
SharedBytes encoded(const Message& message, ApiVersion version) {
  WireWriter out;
  auto done = Codec<Message>::encode(message, version, out);
  EXPECT_TRUE(done) << done.error().message;
  return joined(out.finish());
}

SharedBytes bytes_of(std::string_view hex) {
  auto digit = [](char c) { return c <= '9' ? c - '0' : c - 'a' + 10; };
  Bytes bytes;
  for (size_t i = 0; i + 1 < hex.size(); i += 2) {
    bytes.push_back(static_cast<uint8_t>(digit(hex[i]) << 4 | digit(hex[i + 1])));
  }
  return SharedBytes(std::move(bytes));
}

std::string hex_of(const SharedBytes& bytes) {
  std::string hex;
  for (uint8_t byte : bytes.view()) hex += fmt::format("{:02x}", byte);
  return hex;
}

template <class Message>
std::string title() {
  return fmt::format("{}{}", Message::api.name, Message::is_request ? "Request" : "Response");
}

// The versions of a call, as a range to loop over.
std::vector<ApiVersion> versions_of(const Api& api) {
  std::vector<ApiVersion> all;
  for (int16_t v = api.first.value(); v <= api.last.value(); ++v) all.emplace_back(v);
  return all;
}

TEST(KafkaCodec, EveryMessageOfEveryVersionComesBackAsItWas) {
  Random random(1);
  for_each_message_of(every_exchange, [&]<class Message>(const Message&) {
    for (ApiVersion version : versions_of(Message::api)) {
      for (int i = 0; i < values_per_version; ++i) {
        Message message;
        TestValues(random, version).fill(message);
        SharedBytes bytes = encoded(message, version);
        auto again = Codec<Message>::decode(bytes, version);
        ASSERT_TRUE(again) << again.error().message;
        ASSERT_EQ(message, *again) << Codec<Message>::print(message, version);
      }
    }
  });
}

TEST(KafkaCodec, AMessageCutAnywhereIsRefused) {
  Random random(2);
  for_each_message_of(every_exchange, [&]<class Message>(const Message&) {
    for (ApiVersion version : versions_of(Message::api)) {
      Message message;
      TestValues(random, version).fill(message);
      SharedBytes bytes = encoded(message, version);
      for (size_t count = 0; count < bytes.size(); ++count) {
        auto cut = Codec<Message>::decode(bytes.window(0, count), version);
        ASSERT_FALSE(cut) << title<Message>() << " v" << version.value() << " cut to " << count << " of "
                          << bytes.size();
      }
    }
  });
}

// Written by Apache's Java classes (kafka-clients 4.1): "<message> <version> <hex, or - for none>" a line.
std::map<std::string, std::vector<std::string>> golden_messages() {
  std::ifstream file(PABAL_GOLDEN_MESSAGES);
  std::map<std::string, std::vector<std::string>> all;
  std::string message;
  std::string version;
  std::string hex;
  while (file >> message >> version >> hex)
    all[fmt::format("{} {}", message, version)].push_back(hex == "-" ? "" : hex);
  return all;
}

TEST(KafkaCodec, WhatApacheKafkaWritesIsReadAndWrittenTheSame) {
  auto golden = golden_messages();
  for_each_message_of(every_exchange, [&]<class Message>(const Message&) {
    for (ApiVersion version : versions_of(Message::api)) {
      auto lines = golden.extract(fmt::format("{} {}", title<Message>(), version));
      ASSERT_FALSE(lines.empty()) << title<Message>() << " v" << version.value();
      for (const std::string& hex : lines.mapped()) {
        auto message = Codec<Message>::decode(bytes_of(hex), version);
        ASSERT_TRUE(message) << message.error().message;
        EXPECT_EQ(hex_of(encoded(*message, version)), hex) << Codec<Message>::print(*message, version);
      }
    }
  });
  EXPECT_TRUE(golden.empty()) << golden.begin()->first;
}

// So that a description in a wrong order does not pass by being wrong twice: texts carry their field's name.
TEST(KafkaCodec, FieldsMeanWhatApacheKafkaMeans) {
  auto golden = golden_messages();
  auto produce = Codec<ProduceRequest>::decode(bytes_of(golden.at("ProduceRequest 12")[0]), ApiVersion(12));
  ASSERT_TRUE(produce);
  EXPECT_EQ(produce->transactional_id->substr(0, 6), "Transa");
  EXPECT_EQ(produce->topic_data[0].name.substr(0, 4), "Name");
  auto join = Codec<JoinGroupRequest>::decode(bytes_of(golden.at("JoinGroupRequest 9")[0]), ApiVersion(9));
  ASSERT_TRUE(join);
  EXPECT_EQ(join->group_id.substr(0, 6), "GroupI");
  EXPECT_EQ(join->member_id.substr(0, 6), "Member");
  EXPECT_EQ(join->group_instance_id->substr(0, 6), "GroupI");
  EXPECT_EQ(join->protocol_type.substr(0, 6), "Protoc");
  EXPECT_EQ(join->reason->substr(0, 6), "Reason");
  auto fetch = Codec<FetchResponse>::decode(bytes_of(golden.at("FetchResponse 12")[0]), ApiVersion(12));
  ASSERT_TRUE(fetch);
  EXPECT_EQ(fetch->responses[0].topic.substr(0, 5), "Topic");
}

TEST(KafkaCodec, UnknownTaggedFieldsAreSkipped) {
  SharedBytes plain = encoded(HeartbeatRequest{.group_id = "g", .member_id = "m"}, ApiVersion(4));
  Bytes tagged(plain.view().begin(), plain.view().end() - 1);
  for (uint8_t byte : {2, 5, 1, 0x78, 9, 0}) tagged.push_back(byte);  // tag 5: one byte; tag 9: none
  auto read = Codec<HeartbeatRequest>::decode(SharedBytes(std::move(tagged)), ApiVersion(4));
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->group_id, "g");
}

TEST(KafkaCodec, TagsMustRise) {
  SharedBytes plain = encoded(HeartbeatRequest{}, ApiVersion(4));
  Bytes tagged(plain.view().begin(), plain.view().end() - 1);
  for (uint8_t byte : {2, 5, 0, 5, 0}) tagged.push_back(byte);
  auto read = Codec<HeartbeatRequest>::decode(SharedBytes(std::move(tagged)), ApiVersion(4));
  ASSERT_FALSE(read);
  EXPECT_NE(read.error().message.find("tag 5 comes after 5"), std::string::npos) << read.error().message;
}

// What decoding `hex` as a message says.
template <class Message>
std::string problem(std::string_view hex, int16_t version) {
  auto read = Codec<Message>::decode(bytes_of(hex), ApiVersion(version));
  return read ? "" : read.error().message;
}

TEST(KafkaCodec, ProblemsSayWhatWasReadWhere) {
  EXPECT_EQ(problem<MetadataRequest>("0000000200016100", 0),
            "Metadata v0 request, topics[1].name: 2 bytes are needed, 1 are left (byte 7)");
  EXPECT_EQ(problem<MetadataRequest>("7fffffff0000", 0),
            "Metadata v0 request, topics: 2147483647 elements in 2 bytes (byte 4)");
  EXPECT_EQ(problem<MetadataRequest>("fffffffe", 0), "Metadata v0 request, topics: a length of -2 (byte 4)");
  EXPECT_EQ(problem<MetadataRequest>("ffffffff", 0),
            "Metadata v0 request, topics: null, where a value must be (byte 4)");
  EXPECT_EQ(problem<MetadataRequest>("0000000000", 0),
            "Metadata v0 request: 1 bytes follow the message (byte 4)");
  EXPECT_EQ(problem<MetadataRequest>("ffffffffff01", 9),
            "Metadata v9 request, topics: a variable-length number has more than 32 bits (byte 5)");
  EXPECT_EQ(problem<MetadataRequest>("", 14), "Metadata v14 request: versions 0 to 13 are known");
}

TEST(KafkaCodec, AShortFrameTakesNoMuchMemory) {
  Bytes bytes(4_MiB);  // a million topics without a name take far more than their bytes
  bytes[0] = 0;
  bytes[1] = 0x1f;
  bytes[2] = 0xff;
  bytes[3] = 0;
  auto read = Codec<MetadataRequest>::decode(SharedBytes(std::move(bytes)), ApiVersion(0));
  ASSERT_FALSE(read);
  EXPECT_EQ(read.error().code, ErrorCode::too_large) << read.error().message;
}

TEST(KafkaCodec, AVersionThatCannotSayItIsAnError) {
  WireWriter out;
  ListOffsetsRequest request{.isolation_level = IsolationLevel::read_committed};
  EXPECT_TRUE(Codec<ListOffsetsRequest>::encode(request, ApiVersion(2), out));
  auto old = Codec<MetadataRequest>::encode({.allow_auto_topic_creation = false}, ApiVersion(3), out);
  ASSERT_FALSE(old);
  EXPECT_EQ(old.error().message,
            "Metadata v3 request, allow_auto_topic_creation: the version does not have it");
  auto null = Codec<MetadataRequest>::encode({.topics = {}}, ApiVersion(0), out);
  ASSERT_FALSE(null);
  EXPECT_EQ(null.error().message, "Metadata v0 request, topics: null, which the version does not allow");
}

TEST(KafkaCodec, SecretsAndControlCharactersAreNotPrinted) {
  SaslAuthenticateRequest request{.auth_bytes = {'p', 'w'}};
  EXPECT_EQ(Codec<SaslAuthenticateRequest>::print(request, ApiVersion(1)),
            "SaslAuthenticate v1 request(auth_bytes=***)");
  HeartbeatRequest heartbeat{.group_id = "a\x1b[2J\"", .generation_id = Generation(7), .member_id = "m"};
  EXPECT_EQ(Codec<HeartbeatRequest>::print(heartbeat, ApiVersion(0)),
            "Heartbeat v0 request(group_id=\"a?[2J?\", generation_id=7, member_id=\"m\")");
  MetadataRequest many;
  many.topics->resize(10'000);
  EXPECT_LT(Codec<MetadataRequest>::print(many, ApiVersion(9)).size(), printed_bytes_max + 100);
}

TEST(KafkaCodec, RecordsAreNotCopied) {
  SharedBytes batch(Bytes(10_KiB, 7));
  FetchResponse response;
  response.responses.push_back({.topic = "t", .partitions = {{.records = Records{.pieces = {batch}}}}});
  auto pieces = encode_response(CorrelationId(5), ApiVersion(12), response);
  ASSERT_TRUE(pieces);
  EXPECT_TRUE(std::ranges::any_of(
      *pieces, [&](const SharedBytes& piece) { return piece.view().data() == batch.view().data(); }));
}

TEST(KafkaHeader, ARequestsHeaderComesBack) {
  RequestHeader header{ApiKey::heartbeat, ApiVersion(4), CorrelationId(77), "shop"};
  for (const auto& client : {std::optional<std::string>("shop"), std::optional<std::string>()}) {
    header.client_id = client;
    WireWriter out;
    write_request_header(header, heartbeat_api, out);
    out.put_bytes(as_bytes("body"));
    SharedBytes frame = joined(out.finish());
    auto start = read_request_start(frame.view());
    ASSERT_TRUE(start);
    EXPECT_EQ(start->key, ApiKey::heartbeat);
    auto read = read_request_header(frame, heartbeat_api);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->header.client_id, client);
    EXPECT_EQ(read->header.correlation_id, CorrelationId(77));
    EXPECT_EQ(as_text(read->body.view()), "body");
    for (size_t count = 0; count + 4 < frame.size(); ++count) {
      EXPECT_FALSE(read_request_header(frame.window(0, count), heartbeat_api)) << count;
    }
  }
}

TEST(KafkaHeader, ApiVersionsAnswersWithTheOldHeaderInEveryVersion) {
  for (ApiVersion version : versions_of(api_versions_api)) {
    auto pieces = encode_response(CorrelationId(9), version, ApiVersionsResponse{});
    ASSERT_TRUE(pieces);
    SharedBytes frame = joined(*pieces);
    SharedBytes body = frame.window(8, frame.size() - 8);
    EXPECT_TRUE(Codec<ApiVersionsResponse>::decode(body, version)) << version.value();
  }
}

TEST(KafkaHeader, TheSizeComesFirst) {
  auto pieces = encode_response(CorrelationId(9), ApiVersion(4), HeartbeatResponse{});
  ASSERT_TRUE(pieces);
  EXPECT_EQ(hex_of(joined(*pieces)),
            "0000000c"
            "00000009"
            "00"
            "00000000"
            "0000"
            "00");
}

TEST(KafkaApis, EachKeyIsThereOnce) {
  std::map<ApiKey, std::string_view> seen;
  for (const Api& api : all_apis()) {
    EXPECT_TRUE(seen.emplace(api.key, api.name).second) << api.name;
    EXPECT_EQ(find_api(api.key)->name, api.name);
    EXPECT_LE(api.first, api.last) << api.name;
  }
  EXPECT_EQ(find_api(ApiKey(4)), nullptr);
}

}  // namespace
}  // namespace pabal::kafka
