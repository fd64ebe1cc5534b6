#include <csignal>
#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <unistd.h>

#include "service_fixture.h"

namespace pabal::sdk {
namespace {

using namespace std::chrono_literals;

// The service of the README, as a process of its own.
class Example : public ServiceFixture {
 protected:
  void start(const std::string& listen) {
    child_ = ::fork();
    if (child_ != 0) return;
    if (::chdir(directory_.c_str()) == 0) {
      ::execl(SDK_EXAMPLE, SDK_EXAMPLE, server_->url().c_str(), listen.c_str(), nullptr);
    }
    ::_exit(127);
  }
  // Its exit status.
  int stop(int signal) {
    ::kill(child_, signal);
    int status = 0;
    ::waitpid(child_, &status, 0);
    return status;
  }
  std::vector<relay::OutboxRow> outbox_of_child() {
    std::vector<relay::OutboxRow> rows;
    auto database = relay::Database::open(directory_ + "/shipping.db").value();
    EXPECT_TRUE(database->read([&](relay::Transaction& tx) -> Result<void> {
      rows = relay::Outbox().list(tx, "", 1000).value();
      return {};
    }));
    return rows;
  }

  pid_t child_ = -1;
};

TEST_F(Example, ships_what_was_paid_for_and_stops_when_told_to) {
  start("127.0.0.1:0");
  publish("e-1", "OrderPaid", {{"address", "1 High Street"}});
  publish("e-2", "OrderPaid", {{"no", "address"}});
  ASSERT_TRUE(server_->wait_until([&] { return server_->acked() == 1 && server_->nacks().size() == 1; }));
  EXPECT_TRUE(server_->nacks()[0].dead);
  int status = stop(SIGTERM);
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0) << status;
  auto rows = outbox_of_child();
  ASSERT_EQ(rows.size(), 1U);
  EXPECT_EQ(rows[0].type, "ShipmentStarted");
}

TEST_F(Example, goes_on_where_a_kill_left_it) {
  constexpr int orders = 200;
  for (int i = 0; i < orders; ++i) {
    publish(fmt::format("e-{}", i), "OrderPaid", {{"address", "1 High Street"}}, fmt::format("O-{}", i));
  }
  for (size_t kill = 1; kill <= 3; ++kill) {
    start("127.0.0.1:0");
    size_t enough = kill * orders / 5;
    EXPECT_TRUE(server_->wait_until([&] { return server_->acked() >= enough; }));
    stop(SIGKILL);
    server_->expire_leases();
  }
  start("127.0.0.1:0");
  EXPECT_TRUE(server_->wait_until([&] { return server_->acked() == orders; }));
  stop(SIGTERM);
  EXPECT_EQ(outbox_of_child().size(), orders);
}

TEST(Readme, shows_the_example_as_it_is) {
  auto read = [](const char* file) {
    std::ostringstream text;
    text << std::ifstream(file).rdbuf();
    return text.str();
  };
  std::string example = read(SDK_EXAMPLE_SOURCE);
  EXPECT_THAT(read(SDK_README), testing::HasSubstr("```cpp\n" + example + "```\n"));
  EXPECT_LT(std::ranges::count(example, '\n'), 60);
}

}  // namespace
}  // namespace pabal::sdk
