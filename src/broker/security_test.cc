#include "broker/security.h"

#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/memory_engine.h"
#include "runtime/shards.h"

namespace pabal::broker {
namespace {

using testing::HasSubstr;
using testing::Not;

class SecurityTest : public testing::Test {
 protected:
  std::unique_ptr<runtime::Shards> shards = runtime::start_shards(2);
  std::shared_ptr<engine::MemoryEngine::Storage> storage = engine::MemoryEngine::make_storage();
  std::unique_ptr<engine::MemoryEngine> engine;
  std::unique_ptr<Security> security;

  void SetUp() override { open(); }
  void TearDown() override { close(); }

  template <class T>
  T run(runtime::Task<T> task) {
    return asio::co_spawn(shards->at(1).executor(), std::move(task), asio::use_future).get();
  }
  void open() {
    engine =
        std::make_unique<engine::MemoryEngine>(shards->at(0).executor(), shards->at(0).timers(), storage);
    auto opened = run(Security::open(*shards, *engine));
    ASSERT_TRUE(opened) << opened.error().message;
    security = std::move(*opened);
  }
  void close() {
    engine->release();
    asio::co_spawn(shards->at(0).executor(), security->stop(), asio::use_future).get();
    security.reset();
  }
  void restart() {
    close();
    open();
  }
  void put(const std::string& user, const std::string& password, bool is_token = false) {
    auto put = run(
        security->put_user(user, run(security->credentials_of(password, is_token, scram::iterations_min))));
    ASSERT_TRUE(put) << put.error().message;
  }
  bool opens(const std::string& user, const std::string& password) {
    return run(security->check_password(user, password));
  }
};

TEST_F(SecurityTest, AUserAndARuleOutliveARestart) {
  put("ann", "correct horse");
  ASSERT_TRUE(run(security->add_acls({{.name = "orders", .principal = "User:ann"}})));
  restart();
  EXPECT_TRUE(opens("ann", "correct horse"));
  EXPECT_FALSE(opens("ann", "correct hors"));
  EXPECT_FALSE(opens("bob", "correct horse"));
  EXPECT_TRUE(security->state()->acls.allow({"ann", "h", AclOperation::read, AclResource::topic}, "orders"));
  auto removed = run(security->remove_acls({.principal = "User:ann"}));
  ASSERT_TRUE(removed);
  EXPECT_EQ(removed->size(), 1U);
  ASSERT_TRUE(run(security->remove_user("ann")));
  restart();
  EXPECT_FALSE(opens("ann", "correct horse"));
  EXPECT_EQ(security->state()->acls.size(), 0U);
  EXPECT_EQ(run(security->remove_user("ann")).error().code, ErrorCode::not_found);
}

TEST_F(SecurityTest, SomebodyWhoIsNotThereHasTheSameSaltAlsoAfterARestart) {
  put("ann", "correct horse");
  Bytes salt = security->keys_for(scram::Hash::sha_512, "ghost").salt;
  restart();
  EXPECT_EQ(security->keys_for(scram::Hash::sha_512, "ghost").salt, salt);
  EXPECT_NE(security->keys_for(scram::Hash::sha_256, "ghost").salt, salt);
}

TEST_F(SecurityTest, ATokenIsKnownByItsDigestUntilThePasswordChanges) {
  put("ann", "a-token-of-a-machine", true);
  auto owner = [&] {
    Bytes digest = token_digest("a-token-of-a-machine");
    auto state = security->state();
    auto found = state->owners.find(as_text(digest));
    return found == state->owners.end() ? "" : found->second;
  };
  EXPECT_EQ(owner(), "ann");
  scram::Keys keys =
      scram::keys_of(scram::Hash::sha_256, "new", scram::random_bytes(8), scram::iterations_min);
  ASSERT_TRUE(run(security->put_keys("ann", scram::Hash::sha_256, keys)));
  EXPECT_EQ(owner(), "");
  EXPECT_TRUE(opens("ann", "new"));
}

TEST_F(SecurityTest, TheLastWayToLogInTakesTheUserWithIt) {
  put("ann", "correct horse");
  ASSERT_TRUE(run(security->put_keys("ann", scram::Hash::sha_256, std::nullopt)));
  EXPECT_TRUE(opens("ann", "correct horse"));
  EXPECT_EQ(run(security->put_keys("ann", scram::Hash::sha_256, std::nullopt)).error().code,
            ErrorCode::not_found);
  ASSERT_TRUE(run(security->put_keys("ann", scram::Hash::sha_512, std::nullopt)));
  EXPECT_TRUE(security->state()->users.empty());
}

TEST_F(SecurityTest, NamesAndRulesAreChecked) {
  for (const char* name : {"", "*", "a\nb", "\xff"}) EXPECT_FALSE(run(security->put_user(name, {}))) << name;
  EXPECT_FALSE(run(security->add_acls({{.name = "orders", .principal = "ann"}})));
}

TEST_F(SecurityTest, WhatIsStoredDoesNotHoldThePassword) {
  put("ann", "correct horse", true);
  Credentials stored = security->state()->users.at("ann");
  EXPECT_THAT(stored.encode(), Not(HasSubstr("correct")));
  EXPECT_EQ(Credentials::decode(stored.encode()), stored);
  for (const char* text : {"", "[]", "{}", R"({"scram":[{}]})", R"({"scram":[{"mechanism":1}]})",
                           R"({"scram":[{"mechanism":"SCRAM-SHA-256","iterations":1}]})"}) {
    EXPECT_FALSE(Credentials::decode(text)) << text;
  }
}

}  // namespace
}  // namespace pabal::broker
