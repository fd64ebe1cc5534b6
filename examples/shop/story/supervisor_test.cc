#include "shop/story/supervisor.h"

#include <csignal>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include "shop/story/waiting.h"

namespace shop {
namespace {

using std::chrono::seconds;

class SupervisorTest : public testing::Test {
 protected:
  SupervisorTest() { std::filesystem::create_directories(directory_); }
  ~SupervisorTest() override { std::filesystem::remove_all(directory_); }

  Program shell(const std::string& name, const std::string& script) {
    return {
        .name = name, .arguments = {"/bin/sh", "-c", script}, .log_path = directory_ + "/" + name + ".log"};
  }
  int pid(const std::string& name) { return supervisor_->status_of(name)->pid; }
  static bool alive(int pid) { return ::kill(pid, 0) == 0; }

  std::string directory_ =
      std::filesystem::temp_directory_path() / ("shop_supervisor_" + std::to_string(getpid()));
  StopSwitch waiting_;
  std::unique_ptr<Supervisor> supervisor_ = Supervisor::make();
};

TEST_F(SupervisorTest, StartsAgainWhatDiesUnasked) {
  ASSERT_TRUE(supervisor_->start(shell("sleeper", "exec sleep 60")));
  int first = pid("sleeper");
  ::kill(first, SIGKILL);
  EXPECT_TRUE(waiting_.until([&] { return pid("sleeper") != first && pid("sleeper") != 0; }, seconds(60)));
  EXPECT_EQ(supervisor_->status_of("sleeper")->restarts, 1);
}

TEST_F(SupervisorTest, AKilledProcessStaysDownUntilItIsResumed) {
  ASSERT_TRUE(supervisor_->start(shell("sleeper", "exec sleep 60")));
  int first = pid("sleeper");
  ASSERT_TRUE(supervisor_->kill("sleeper"));
  EXPECT_FALSE(alive(first));
  EXPECT_EQ(supervisor_->status_of("sleeper")->state, Supervisor::State::held);
  EXPECT_FALSE(supervisor_->kill("sleeper"));
  ASSERT_TRUE(supervisor_->resume("sleeper"));
  EXPECT_NE(pid("sleeper"), 0);
  EXPECT_FALSE(supervisor_->resume("sleeper"));
}

TEST_F(SupervisorTest, ACrashedProcessGetsItsEnvironmentOnce) {
  std::string trace = directory_ + "/trace";
  Program program = shell(
      "crasher", "echo \"got:$SHOP_DIE\" >> " + trace + "; [ -z \"$SHOP_DIE\" ] || exit 1; exec sleep 60");
  ASSERT_TRUE(supervisor_->start(program));
  ASSERT_TRUE(waiting_.until([&] { return std::filesystem::exists(trace); }, seconds(60)));
  ASSERT_TRUE(supervisor_->crash("crasher", {"SHOP_DIE=now"}));
  EXPECT_TRUE(waiting_.until([&] { return supervisor_->status_of("crasher")->restarts == 2; }, seconds(60)));
  auto lines = [&] {
    std::stringstream text;
    text << std::ifstream(trace).rdbuf();
    return text.str();
  };
  EXPECT_TRUE(waiting_.until([&] { return lines() == "got:\ngot:now\ngot:\n"; }, seconds(60))) << lines();
}

TEST_F(SupervisorTest, AWrongNameIsToldWithTheRightOnes) {
  ASSERT_TRUE(supervisor_->start(shell("notification", "exec sleep 60")));
  ASSERT_TRUE(supervisor_->start(shell("order", "exec sleep 60")));
  auto killed = supervisor_->kill("mail");
  ASSERT_FALSE(killed);
  EXPECT_EQ(killed.error().message, "there is no process \"mail\"; right is one of notification, order");
}

TEST_F(SupervisorTest, StopAsksFirstAndKillsWhenThatIsIgnored) {
  std::string trace = directory_ + "/trace";
  ASSERT_TRUE(supervisor_->start(shell("polite", "trap 'echo bye > " + trace + "; exit 0' TERM; echo up > " +
                                                     trace + "; while :; do sleep 0.01; done")));
  ASSERT_TRUE(waiting_.until([&] { return std::filesystem::exists(trace); }, seconds(60)));
  ASSERT_TRUE(supervisor_->stop("polite", seconds(60)));
  std::string said;
  std::ifstream(trace) >> said;
  EXPECT_EQ(said, "bye");

  ASSERT_TRUE(supervisor_->start(shell("deaf", "trap '' TERM; while :; do sleep 0.01; done")));
  int deaf = pid("deaf");
  ASSERT_TRUE(supervisor_->stop("deaf", std::chrono::milliseconds(50)));
  EXPECT_FALSE(alive(deaf));
}

TEST_F(SupervisorTest, WhatDiesAtOnceEachTimeIsGivenUp) {
  ASSERT_TRUE(supervisor_->start(shell("broken", "exit 3")));
  EXPECT_TRUE(waiting_.until(
      [&] { return supervisor_->status_of("broken")->state == Supervisor::State::broken; }, seconds(60)));
}

TEST_F(SupervisorTest, WhatCannotStartIsAnErrorThatNamesIt) {
  auto started =
      supervisor_->start({.name = "x", .arguments = {"/no/such/program"}, .log_path = directory_ + "/x"});
  ASSERT_FALSE(started);
  EXPECT_THAT(started.error().message, testing::HasSubstr("/no/such/program"));
}

TEST_F(SupervisorTest, NothingOutlivesAKilledStory) {
  std::string note = directory_ + "/pid";
  pid_t story = fork();
  if (story == 0) {
    auto own = Supervisor::make();
    (void)own->start(shell("orphan", "echo $$ > " + note + "; exec sleep 60"));
    for (;;) pause();
  }
  int orphan = 0;
  EXPECT_TRUE(waiting_.until([&] { return std::ifstream(note) >> orphan && orphan > 0; }, seconds(60)));
  ::kill(story, SIGKILL);
  waitpid(story, nullptr, 0);
  EXPECT_TRUE(waiting_.until([&] { return !alive(orphan); }, seconds(60))) << orphan;
}

}  // namespace
}  // namespace shop
