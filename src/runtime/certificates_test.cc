#include "runtime/certificates.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <functional>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <iterator>
#include <unistd.h>

namespace pabal::runtime {
namespace {

using testing::AllOf;
using testing::HasSubstr;

// `old`, `renewed` (another key of the same kind) and `rsa`, each NAME.pem and NAME.key, made once.
class CertificatesTest : public testing::Test {
 protected:
  static std::filesystem::path made() {
    return std::filesystem::path(testing::TempDir()) / fmt::format("pabal-certificates-{}", ::getpid());
  }

  static void SetUpTestSuite() {
    std::filesystem::create_directories(made());
    make("old", "ec -pkeyopt ec_paramgen_curve:prime256v1", 1);
    make("renewed", "ec -pkeyopt ec_paramgen_curve:prime256v1", 2);
    make("rsa", "rsa:2048", 3);
  }
  static void TearDownTestSuite() { std::filesystem::remove_all(made()); }

  static void make(const std::string& name, std::string_view kind, int serial) {
    std::string command = fmt::format(
        "openssl req -x509 -newkey {} -nodes -days 2 -subj /CN={} -set_serial {} -keyout {}.key "
        "-out {}.pem 2>/dev/null",
        kind, name, serial, (made() / name).string(), (made() / name).string());
    ASSERT_EQ(std::system(command.c_str()), 0) << command;  // NOLINT(concurrency-mt-unsafe)
  }

  void SetUp() override {
    dir_ = made() / testing::UnitTest::GetInstance()->current_test_info()->name();
    std::filesystem::create_directories(dir_);
    put("old.pem", "server.pem");
    put("old.key", "server.key");
    put("old.pem", "ca.pem");
  }

  [[nodiscard]] std::string path(std::string_view name) const { return dir_ / name; }

  void put(std::string_view from, std::string_view to) const {
    std::filesystem::copy_file(made() / from, dir_ / to, std::filesystem::copy_options::overwrite_existing);
  }
  void write(std::string_view name, std::string_view text) const {
    std::ofstream(dir_ / name, std::ios::trunc) << text;
  }
  [[nodiscard]] std::string text_of(std::string_view name) const {
    std::ifstream file(dir_ / name);
    return {std::istreambuf_iterator<char>(file), {}};
  }

  [[nodiscard]] TlsFiles files() const { return {path("server.pem"), path("server.key"), path("ca.pem")}; }

  // Opens what fits, then puts something in the way: it is refused in these words, and the old stays.
  void expect_refusal(const std::function<void()>& put_in_the_way, const auto& words) {
    auto certificates = Certificates::open(files()).value();
    auto before = certificates->current();
    put_in_the_way();
    EXPECT_TRUE(certificates->changed());
    auto done = certificates->read_again();
    ASSERT_FALSE(done);
    EXPECT_EQ(done.error().code, ErrorCode::invalid);
    EXPECT_THAT(done.error().message, words);
    EXPECT_EQ(certificates->current(), before);
    EXPECT_THAT(certificates->describe(), HasSubstr("CN=old, serial 01, valid until 20"));
    EXPECT_FALSE(certificates->changed()) << "one refusal for one state of the files";
  }

  std::filesystem::path dir_;
};

TEST_F(CertificatesTest, ARenewedPairIsForWhoComesNext) {
  auto certificates = Certificates::open(files()).value();
  auto before = certificates->current();
  EXPECT_FALSE(certificates->changed());
  put("renewed.pem", "server.pem");
  put("renewed.key", "server.key");
  EXPECT_TRUE(certificates->changed());
  ASSERT_TRUE(certificates->read_again());
  EXPECT_FALSE(certificates->changed());
  EXPECT_NE(certificates->current(), before);
  EXPECT_THAT(certificates->describe(), HasSubstr("CN=renewed, serial 02"));
}

TEST_F(CertificatesTest, ALinkThatIsTurnedIsAChange) {
  std::filesystem::create_directories(dir_ / "first");
  std::filesystem::create_directories(dir_ / "second");
  put("old.pem", "first/tls.crt");
  put("old.key", "first/tls.key");
  put("renewed.pem", "second/tls.crt");
  put("renewed.key", "second/tls.key");
  std::filesystem::create_symlink("first", dir_ / "data");
  auto certificates = Certificates::open({path("data/tls.crt"), path("data/tls.key")}).value();
  std::filesystem::create_symlink("second", dir_ / "data.new");
  std::filesystem::rename(dir_ / "data.new", dir_ / "data");
  EXPECT_TRUE(certificates->changed());
  ASSERT_TRUE(certificates->read_again());
  EXPECT_THAT(certificates->describe(), HasSubstr("serial 02"));
}

TEST_F(CertificatesTest, TheKeyOfAnotherCertificateIsRefused) {
  auto words = HasSubstr(fmt::format("'{}' is not the private key of the certificate in '{}'",
                                     path("server.key"), path("server.pem")));
  expect_refusal([&] { put("renewed.key", "server.key"); }, words);
}

TEST_F(CertificatesTest, TheKeyOfAnotherKindIsRefused) {
  auto words = HasSubstr(fmt::format("'{}' is not the private key", path("server.key")));
  expect_refusal([&] { put("rsa.key", "server.key"); }, words);
}

TEST_F(CertificatesTest, HalfAFileIsRefused) {
  for (std::string name : {"server.pem", "server.key", "ca.pem"}) {
    std::string half = text_of(name);
    half.resize(half.size() / 2);
    expect_refusal([&] { write(name, half); }, HasSubstr(fmt::format("cannot use '{}'", path(name))));
    SetUp();
    expect_refusal([&] { write(name, ""); }, HasSubstr(fmt::format("cannot use '{}'", path(name))));
    SetUp();
  }
}

TEST_F(CertificatesTest, AChainOrAuthoritiesThatEndInTheMiddleAreRefused) {
  for (std::string name : {"server.pem", "ca.pem"}) {
    std::string whole = text_of(name);
    std::string one_and_a_half = whole + whole.substr(0, whole.size() / 2);
    expect_refusal([&] { write(name, one_and_a_half); },
                   HasSubstr(fmt::format("cannot use '{}'", path(name))));
    SetUp();
  }
}

TEST_F(CertificatesTest, AFileThatCannotBeReadIsRefused) {
  expect_refusal([&] { std::filesystem::remove(dir_ / "server.key"); },
                 AllOf(HasSubstr(path("server.key")), HasSubstr("No such file")));
  SetUp();
  expect_refusal([&] { write("server.pem", std::string(pem_bytes_max + 1, 'x')); },
                 AllOf(HasSubstr(path("server.pem")), HasSubstr("the limit is 1048576")));
  SetUp();
  expect_refusal([&] { write("server.key", ""); },
                 AllOf(HasSubstr(path("server.key")), HasSubstr("it is empty or a pipe")));
}

TEST_F(CertificatesTest, AKeyWithAPassphraseIsRefusedAndNobodyIsAsked) {
  std::string command =
      fmt::format("openssl pkcs8 -topk8 -in {}/old.key -out {} -passout pass:secret 2>/dev/null",
                  made().string(), path("locked.key"));
  ASSERT_EQ(std::system(command.c_str()), 0);  // NOLINT(concurrency-mt-unsafe)
  expect_refusal([&] { write("server.key", text_of("locked.key")); },
                 AllOf(HasSubstr(path("server.key")), HasSubstr("right is one without a passphrase")));
}

TEST_F(CertificatesTest, WhatIsWrongFromTheStartIsNotOpened) {
  auto opened = Certificates::open({"/nowhere.pem", "/nowhere.key"});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().code, ErrorCode::invalid);
  EXPECT_THAT(opened.error().message, HasSubstr("/nowhere.pem"));
}

}  // namespace
}  // namespace pabal::runtime
