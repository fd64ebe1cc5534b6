#include "doors/http/access.h"

#include <cstdio>
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

namespace pabal::doors {
namespace {

using Fields = std::vector<std::pair<std::string, std::string>>;

ErrorCode refused(const Access& access, Fields fields, Admission admission = Admission::with_token) {
  runtime::HttpRequest request;
  for (auto& [name, value] : fields) request.fields.add(name, value);
  auto admitted = access.admit(request, admission);
  return admitted ? ErrorCode::cancelled : admitted.error().code;  // cancelled stands for "let in"
}
constexpr ErrorCode let_in = ErrorCode::cancelled;

Access local() { return Access("127.0.0.1:8080", {}, {}); }

TEST(Access, LetsTheListenersOwnNamesIn) {
  for (const char* host :
       {"127.0.0.1:8080", "localhost:8080", "LOCALHOST", "[::1]:8080", "127.0.0.1", "localhost.:1"}) {
    EXPECT_EQ(refused(local(), {{"Host", host}}), let_in) << host;
  }
}

// DNS rebinding: the attacker's name resolves to 127.0.0.1, so the browser sends "same-origin" requests here,
// with the attacker's name in Host (and in Origin).
TEST(Access, RefusesANameThatWasReboundToThisMachine) {
  EXPECT_EQ(refused(local(), {{"Host", "evil.example:8080"}}), ErrorCode::forbidden);
  EXPECT_EQ(refused(local(), {{"Host", "evil.example:8080"}, {"Origin", "http://evil.example:8080"}}),
            ErrorCode::forbidden);
  EXPECT_EQ(refused(local(), {{"Host", "evil.example:8080"}}, Admission::open), ErrorCode::forbidden);
  for (const char* host : {"localhost.evil.example", "127.0.0.1.evil.example", "10.1.2.3", "0.0.0.0", "",
                           "127.0.0.1@evil.example", "[::1", "localhost:8080x", "[::1]x"}) {
    EXPECT_EQ(refused(local(), {{"Host", host}}), ErrorCode::forbidden) << host;
  }
  EXPECT_EQ(refused(local(), {}), ErrorCode::invalid);
}

TEST(Access, RefusesPagesOfOtherOrigins) {
  Fields host = {{"Host", "127.0.0.1:8080"}};
  auto with = [&](Fields more) {
    more.insert(more.begin(), host.begin(), host.end());
    return refused(local(), more);
  };
  EXPECT_EQ(with({{"Origin", "http://127.0.0.1:8080"}}), let_in);
  for (const char* origin : {"http://evil.example", "null", "http://127.0.0.1:3000", "http://localhost:8080",
                             "https://evil.example:8080", "127.0.0.1:8080", ""}) {
    EXPECT_EQ(with({{"Origin", origin}}), ErrorCode::forbidden) << origin;
  }
  EXPECT_EQ(with({{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "no-cors"}}), ErrorCode::forbidden);
  EXPECT_EQ(with({{"Sec-Fetch-Site", "same-site"}, {"Sec-Fetch-Mode", "cors"}}), ErrorCode::forbidden);
  EXPECT_EQ(with({{"Sec-Fetch-Site", "cross-site"}, {"Sec-Fetch-Mode", "navigate"}}), let_in);
  EXPECT_EQ(with({{"Sec-Fetch-Site", "same-origin"}}), let_in);
}

TEST(Access, AllowedHostsReachItToo) {
  Access access("0.0.0.0:8080", {"pabal.example", "box:9090"}, {});
  EXPECT_EQ(refused(access, {{"Host", "Pabal.example:8080"}}), let_in);
  EXPECT_EQ(refused(access, {{"Host", "box:9090"}}), let_in);
  EXPECT_EQ(refused(access, {{"Host", "box:9091"}}), ErrorCode::forbidden);
  EXPECT_EQ(refused(access, {{"Host", "192.168.0.7:8080"}}), let_in);  // a wildcard listener's addresses
  EXPECT_EQ(refused(access, {{"Host", "other.example"}}), ErrorCode::forbidden);
  EXPECT_EQ(refused(access, {{"Host", "192.168.0.7"}, {"Origin", "http://pabal.example"}}), let_in);
}

TEST(Access, WantsATokenWhenThereAreAny) {
  auto tokens = Tokens::parse("# who may\n\nalice 0123456789abcdef\nbob\tfedcba9876543210\r\n", "f");
  ASSERT_TRUE(tokens) << tokens.error().message;
  Access access("127.0.0.1:8080", {}, *tokens);
  auto with = [&](const char* authorization) {
    return refused(access, {{"Host", "localhost"}, {"Authorization", authorization}});
  };
  EXPECT_EQ(with("Bearer 0123456789abcdef"), let_in);
  EXPECT_EQ(with("bearer fedcba9876543210"), let_in);
  for (const char* wrong :
       {"Bearer 0123456789abcdee", "Bearer ", "Bearer", "0123456789abcdef", "Basic abc", ""}) {
    EXPECT_EQ(with(wrong), ErrorCode::unauthorized) << wrong;
  }
  EXPECT_EQ(refused(access, {{"Host", "localhost"}}), ErrorCode::unauthorized);
  EXPECT_EQ(refused(access, {{"Host", "localhost"}}, Admission::open), let_in);
  EXPECT_EQ(tokens->owner_of("fedcba9876543210"), "bob");
}

TEST(Tokens, TellWhatIsWrongWithoutTheToken) {
  for (const char* text : {"alice", "alice short", "alice 0123456789abcdef more", "", "# only\n",
                           "a 0123456789abcdef\na 0123456789abcdeg"}) {
    auto tokens = Tokens::parse(text, "FILE");
    ASSERT_FALSE(tokens) << text;
    EXPECT_THAT(tokens.error().message, testing::HasSubstr("FILE"));
    EXPECT_THAT(tokens.error().message, testing::Not(testing::HasSubstr("0123456789abcde")));
  }
}

TEST(Tokens, RefuseAFileThatOthersCanRead) {
  std::string path = testing::TempDir() + "/tokens-" + std::to_string(::getpid());
  int fd = ::open(path.c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
  ASSERT_GE(fd, 0);
  std::string_view line = "alice 0123456789abcdef\n";
  ASSERT_EQ(::write(fd, line.data(), line.size()), static_cast<ssize_t>(line.size()));
  ::close(fd);
  EXPECT_TRUE(Tokens::read_file(path));
  ::chmod(path.c_str(), 0644);
  auto open = Tokens::read_file(path);
  ASSERT_FALSE(open);
  EXPECT_THAT(open.error().message, testing::HasSubstr("chmod 600"));
  ::unlink(path.c_str());
  EXPECT_FALSE(Tokens::read_file(path));
}

}  // namespace
}  // namespace pabal::doors
