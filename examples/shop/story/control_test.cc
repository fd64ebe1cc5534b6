#include "shop/story/control.h"

#include <filesystem>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "shop/story/story_directory.h"

namespace shop {
namespace {

class StoryHome : public testing::Test {
 protected:
  ~StoryHome() override { std::filesystem::remove_all(path_); }
  // Longer than a socket's address may be.
  std::string path_ = std::filesystem::temp_directory_path() /
                      ("shop_home_" + std::to_string(getpid()) + "_" + std::string(120, 'x'));
};

TEST_F(StoryHome, ACommandIsAnsweredByTheStoryThatRuns) {
  auto home = StoryDirectory::claim(path_);
  ASSERT_TRUE(home) << home.error().message;
  EXPECT_EQ(send_command(path_, {"status"}).error().code, ErrorCode::unavailable);
  auto server = ControlServer::listen(path_, [](const std::vector<std::string>& words) {
    return ControlServer::Answer{words.size() == 2 ? 0 : 2, words.empty() ? "" : "heard " + words.back()};
  });
  ASSERT_TRUE(server) << server.error().message;
  auto answer = send_command(path_, {"stop", "notification \"now\"\n"});
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->status, 0);
  EXPECT_EQ(answer->text, "heard notification \"now\"\n");
  EXPECT_EQ(send_command(path_, {})->status, 2);
}

TEST_F(StoryHome, ASecondStoryIsKeptOutAndTheNextOneBeginsAfresh) {
  {
    auto home = StoryDirectory::claim(path_);
    ASSERT_TRUE(home);
    std::filesystem::create_directories(path_ + "/acts");
    EXPECT_EQ(StoryDirectory::claim(path_).error().code, ErrorCode::conflict);
  }
  ASSERT_TRUE(StoryDirectory::claim(path_));
  EXPECT_FALSE(std::filesystem::exists(path_ + "/acts"));
}

TEST_F(StoryHome, SomebodyElsesDirectoryIsLeftAlone) {
  std::filesystem::create_directories(path_ + "/thesis");
  auto home = StoryDirectory::claim(path_);
  ASSERT_FALSE(home);
  EXPECT_THAT(home.error().message, testing::HasSubstr("--data"));
  EXPECT_TRUE(std::filesystem::exists(path_ + "/thesis"));
}

TEST(Address, OneInUseIsNamed) {
  int fd = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  ASSERT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&address), length), 0);
  ASSERT_EQ(listen(fd, 1), 0);
  getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  std::string text = "127.0.0.1:" + std::to_string(ntohs(address.sin_port));
  auto free = check_address_is_free(text);
  ASSERT_FALSE(free);
  EXPECT_THAT(free.error().message, testing::HasSubstr(text));
  close(fd);
  EXPECT_TRUE(check_address_is_free(text));
  EXPECT_TRUE(check_address_is_free("127.0.0.1:0"));
  EXPECT_FALSE(check_address_is_free("nonsense"));
}

}  // namespace
}  // namespace shop
