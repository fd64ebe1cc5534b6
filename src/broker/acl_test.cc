#include "broker/acl.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace pabal::broker {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

Acl rule(std::string user, AclOperation operation, std::string topic,
         AclPattern pattern = AclPattern::literal, AclPermission permission = AclPermission::allow) {
  return {.name = std::move(topic),
          .pattern = pattern,
          .principal = "User:" + user,
          .operation = operation,
          .permission = permission};
}

class AclsTest : public testing::Test {
 protected:
  Acls acls;

  [[nodiscard]] bool may(std::string_view user, AclOperation operation, std::string_view topic,
                         std::string_view host = "10.0.0.1") const {
    return acls.allow({user, host, operation, AclResource::topic}, topic);
  }
};

TEST_F(AclsTest, WithoutARuleNothingIsAllowed) {
  EXPECT_FALSE(may("ann", AclOperation::read, "orders"));
  acls.add(rule("ann", AclOperation::read, "orders"));
  EXPECT_TRUE(may("ann", AclOperation::read, "orders"));
  EXPECT_FALSE(may("ann", AclOperation::write, "orders"));
  EXPECT_FALSE(may("ann", AclOperation::read, "orders2"));
  EXPECT_FALSE(may("bob", AclOperation::read, "orders"));
  EXPECT_FALSE(acls.allow({"ann", "::1", AclOperation::read, AclResource::group}, "orders"));
}

TEST_F(AclsTest, APermissionImpliesDescribing) {
  for (AclOperation given :
       {AclOperation::read, AclOperation::write, AclOperation::remove, AclOperation::alter}) {
    Acls one;
    one.add(rule("ann", given, "orders"));
    EXPECT_TRUE(one.allow({"ann", "h", AclOperation::describe, AclResource::topic}, "orders"));
    EXPECT_FALSE(one.allow({"ann", "h", AclOperation::describe_configs, AclResource::topic}, "orders"));
  }
  acls.add(rule("ann", AclOperation::alter_configs, "orders"));
  EXPECT_TRUE(may("ann", AclOperation::describe_configs, "orders"));
  EXPECT_FALSE(may("ann", AclOperation::describe, "orders"));
  acls.add(rule("bob", AclOperation::all, "orders"));
  EXPECT_TRUE(may("bob", AclOperation::remove, "orders"));
}

TEST_F(AclsTest, ADenialWinsAndImpliesNothing) {
  acls.add(rule("ann", AclOperation::all, "*"));
  acls.add(rule("ann", AclOperation::write, "orders", AclPattern::literal, AclPermission::deny));
  EXPECT_FALSE(may("ann", AclOperation::write, "orders"));
  EXPECT_TRUE(may("ann", AclOperation::describe, "orders"));
  EXPECT_TRUE(may("ann", AclOperation::write, "mails"));
  acls.add(rule("*", AclOperation::all, "mails", AclPattern::literal, AclPermission::deny));
  EXPECT_FALSE(may("ann", AclOperation::read, "mails"));
}

TEST_F(AclsTest, PrefixesWildcardsAndHostsCount) {
  acls.add(rule("ann", AclOperation::read, "order.", AclPattern::prefixed));
  EXPECT_TRUE(may("ann", AclOperation::read, "order.events"));
  EXPECT_TRUE(may("ann", AclOperation::read, "order."));
  EXPECT_FALSE(may("ann", AclOperation::read, "order"));
  acls.add(rule("*", AclOperation::read, "public"));
  EXPECT_TRUE(may("whoever", AclOperation::read, "public"));
  Acl near = rule("bob", AclOperation::read, "orders");
  near.host = "10.0.0.1";
  acls.add(near);
  EXPECT_TRUE(may("bob", AclOperation::read, "orders", "10.0.0.1"));
  EXPECT_FALSE(may("bob", AclOperation::read, "orders", "10.0.0.2"));
}

TEST_F(AclsTest, AnyResourceAtAllNeedsAPermissionThatIsNotTakenBack) {
  auto any = [&](std::string_view user) {
    return acls.allow_any({user, "h", AclOperation::write, AclResource::topic});
  };
  EXPECT_FALSE(any("ann"));
  acls.add(rule("ann", AclOperation::write, "order.a"));
  EXPECT_TRUE(any("ann"));
  acls.add(rule("ann", AclOperation::write, "order.", AclPattern::prefixed, AclPermission::deny));
  EXPECT_FALSE(any("ann"));
  acls.add(rule("ann", AclOperation::write, "mail.", AclPattern::prefixed));
  EXPECT_TRUE(any("ann"));
  acls.add(rule("ann", AclOperation::all, "*", AclPattern::literal, AclPermission::deny));
  EXPECT_FALSE(any("ann"));
}

TEST_F(AclsTest, FiltersFindWhatTheySay) {
  Acl literal = rule("ann", AclOperation::read, "order.events");
  Acl prefix = rule("ann", AclOperation::read, "order.", AclPattern::prefixed);
  Acl all = rule("bob", AclOperation::write, "*");
  for (const Acl& acl : {literal, prefix, all, literal}) acls.add(acl);
  EXPECT_EQ(acls.size(), 3U);
  EXPECT_THAT(acls.find({.name = "order.events"}), ElementsAre(literal));
  EXPECT_EQ(acls.find({.name = "order.events", .pattern = AclPattern::match}).size(), 3U);
  EXPECT_THAT(acls.find({.principal = "User:bob"}), ElementsAre(all));
  EXPECT_THAT(acls.find({.pattern = AclPattern::prefixed}), ElementsAre(prefix));
  EXPECT_TRUE(acls.find({.resource = AclResource::group}).empty());
  acls.remove(all);
  EXPECT_EQ(acls.find({}).size(), 2U);
}

TEST(Acl, ARuleIsReadBackAndNonsenseIsNot) {
  Acl acl =
      rule("ann \"x\"", AclOperation::describe_configs, "a,b", AclPattern::prefixed, AclPermission::deny);
  EXPECT_EQ(Acl::decode(acl.encode()), acl);
  for (const char* text :
       {"", "[]", "{}", "[\"topic\",\"a\",\"literal\",\"User:a\",\"*\",\"read\"]",
        "[\"topic\",\"a\",\"literal\",\"User:a\",\"*\",\"read\",\"maybe\"]", "[1,2,3,4,5,6,7]"}) {
    EXPECT_FALSE(Acl::decode(text)) << text;
  }
}

TEST(Acl, ARuleThatMeansNothingIsRefused) {
  Acl good = rule("ann", AclOperation::read, "orders");
  EXPECT_TRUE(check_acl(good));
  Acl bad = good;
  bad.principal = "ann";
  EXPECT_THAT(check_acl(bad).error().message, HasSubstr("User:NAME"));
  bad = good;
  bad.name = "";
  EXPECT_FALSE(check_acl(bad));
  bad = good;
  bad.operation = AclOperation::any;
  EXPECT_FALSE(check_acl(bad));
  bad = good;
  bad.pattern = AclPattern::match;
  EXPECT_FALSE(check_acl(bad));
  bad = good;
  bad.resource = AclResource::cluster;
  EXPECT_THAT(check_acl(bad).error().message, HasSubstr("kafka-cluster"));
}

}  // namespace
}  // namespace pabal::broker
