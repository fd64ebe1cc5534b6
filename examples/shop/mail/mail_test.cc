#include <arpa/inet.h>
#include <filesystem>
#include <fstream>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sstream>
#include <sys/socket.h>
#include <thread>
#include <unistd.h>

#include "shop/mail/maildir.h"
#include "shop/mail/message.h"
#include "shop/mail/smtp.h"

namespace shop {
namespace {

using testing::HasSubstr;

Mail example() {
  return {.event_id = "0193-abc",
          .order_id = "1001",
          .to = "17850@customers.example",
          .subject = "Your order 1001",
          .text = "Thank you.\n.hidden dot\n",
          .written_at = pabal::WallTime(std::chrono::seconds(1'291'191'960))};
}

TEST(Mail, IsWrittenAsRfc5322Says) {
  EXPECT_EQ(
      to_rfc5322(example(), "\r\n"),
      "From: Pabal Shop <orders@shop.example>\r\nTo: 17850@customers.example\r\nSubject: Your order 1001\r\n"
      "Date: Wed, 01 Dec 2010 08:26:00 +0000\r\nMessage-ID: <0193-abc@shop.example>\r\nX-Order-Id: 1001\r\n"
      "MIME-Version: 1.0\r\nContent-Type: text/plain; charset=us-ascii\r\n\r\nThank you.\r\n.hidden dot\r\n");
}

TEST(Mail, NothingCanAddAHeader) {
  Mail mail = example();
  mail.subject = "x\r\nBcc: all@example.com";
  EXPECT_THAT(to_rfc5322(mail, "\n"), HasSubstr("Subject: x??Bcc: all@example.com\n"));
  EXPECT_TRUE(check_address("a.b+c@host"));
  for (auto bad : {"", "@", "a@", "@b", "a@b@c", "a b@c", "a@b\r\nBcc: d@e", "<a@b>", "a@b,c@d"}) {
    EXPECT_FALSE(check_address(bad)) << bad;
  }
}

TEST(Mail, TheSameEventIsOneFileInTheMaildir) {
  std::string path = std::filesystem::temp_directory_path() / ("shop_maildir_" + std::to_string(getpid()));
  auto maildir = Maildir::open(path);
  ASSERT_TRUE(maildir) << maildir.error().message;
  ASSERT_TRUE(maildir->deliver(example()));
  ASSERT_TRUE(maildir->deliver(example()));
  std::stringstream text;
  text << std::ifstream(path + "/new/0193-abc").rdbuf();
  EXPECT_EQ(text.str(), to_rfc5322(example(), "\n"));
  EXPECT_TRUE(std::filesystem::is_empty(path + "/tmp"));
  EXPECT_THAT(*maildir->order_ids(), testing::ElementsAre("1001"));
  Mail hostile = example();
  hostile.event_id = "../../escape";
  EXPECT_FALSE(maildir->deliver(hostile));
  std::filesystem::remove_all(path);
}

// A mail server of a test: takes one connection, answers line by line, keeps what it heard.
class FakeMailServer {
 public:
  explicit FakeMailServer(std::string answer_to_recipient) : answer_(std::move(answer_to_recipient)) {
    listener_ = socket(AF_INET, SOCK_STREAM, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(bind(listener_, reinterpret_cast<sockaddr*>(&address), sizeof address), 0);
    EXPECT_EQ(listen(listener_, 1), 0);
    socklen_t length = sizeof address;
    getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length);
    url_ = "smtp://127.0.0.1:" + std::to_string(ntohs(address.sin_port));
    thread_ = std::thread([this] { serve(); });
  }
  ~FakeMailServer() { close(listener_); }
  const std::string& url() const { return url_; }
  std::string heard() {
    thread_.join();
    return heard_;
  }

 private:
  void serve() {
    int client = accept(listener_, nullptr, nullptr);
    say(client, "220 ready");
    std::string line;
    bool data = false;
    for (char c; recv(client, &c, 1, 0) == 1;) {
      heard_ += c;
      line += c;
      if (!line.ends_with("\r\n")) continue;
      if (data && line == ".\r\n")
        say(client, "250 taken"), data = false;
      else if (!data && line.starts_with("EHLO"))
        say(client, "250-hello\r\n250 8BITMIME");
      else if (!data && line.starts_with("RCPT"))
        say(client, answer_);
      else if (!data && line.starts_with("DATA"))
        say(client, "354 go"), data = true;
      else if (!data && line.starts_with("QUIT"))
        say(client, "221 bye");
      else if (!data)
        say(client, "250 fine");
      line.clear();
    }
    close(client);
  }
  static void say(int client, const std::string& line) {
    std::string text = line + "\r\n";
    send(client, text.data(), text.size(), MSG_NOSIGNAL);
  }

  std::string answer_;
  int listener_;
  std::string url_;
  std::string heard_;
  std::thread thread_;
};

TEST(Smtp, HandsAMailOverWithItsDotsStuffed) {
  FakeMailServer server("250 known");
  auto sent = SmtpSender::from_url(server.url())->send(example());
  EXPECT_TRUE(sent) << sent.error().message;
  std::string heard = server.heard();
  EXPECT_THAT(heard,
              HasSubstr("MAIL FROM:<orders@shop.example>\r\nRCPT TO:<17850@customers.example>\r\nDATA\r\n"));
  EXPECT_THAT(heard, HasSubstr("\r\n..hidden dot\r\n.\r\nQUIT\r\n"));
}

TEST(Smtp, TellsARefusalForGoodFromOneForNow) {
  FakeMailServer good("550 no such user");
  EXPECT_EQ(SmtpSender::from_url(good.url())->send(example()).error().code, ErrorCode::invalid);
  (void)good.heard();
  FakeMailServer now("451 try again later");
  EXPECT_EQ(SmtpSender::from_url(now.url())->send(example()).error().code, ErrorCode::unavailable);
  (void)now.heard();
}

TEST(Smtp, AnAddressItCannotServeIsRefusedAtOnce) {
  for (auto url : {"", "smtps://mail:465", "smtp://user@mail", "smtp://", "mail:25", "smtp://mail:abc"}) {
    EXPECT_FALSE(SmtpSender::from_url(url)) << url;
  }
  EXPECT_TRUE(SmtpSender::from_url("smtp://mail"));
}

}  // namespace
}  // namespace shop
