#include "router.h"

#include <gmock/gmock.h>

namespace pabal::sdk {
namespace {

Response tell(const char* what) { return {.body = what}; }

class RouterTest : public testing::Test {
 protected:
  RouterTest() {
    for (const char* path : {"/orders", "/orders/{id}", "/orders/{id}/lines/{line}"}) {
      router_.add("GET", path, [path](const Request&) { return tell(path); });
    }
    router_.add("POST", "/orders", [](const Request&) { return tell("made"); });
  }

  std::string ask(std::string_view method, std::string_view path) {
    auto found = router_.find(method, path);
    if (!found) return std::string(name_of(found.error().code));
    std::string out = (*found->handler)(Request()).value().body.get<std::string>();
    for (const auto& [name, value] : found->params) out += " " + name + "=" + value;
    return out;
  }

  Router router_;
};

TEST_F(RouterTest, finds_by_method_and_path) {
  EXPECT_EQ(ask("GET", "/orders"), "/orders");
  EXPECT_EQ(ask("POST", "/orders"), "made");
  EXPECT_EQ(ask("GET", "/orders/O-1"), "/orders/{id} id=O-1");
  EXPECT_EQ(ask("GET", "/orders/a%2Fb/lines/3"), "/orders/{id}/lines/{line} id=a/b line=3");
}

TEST_F(RouterTest, says_what_is_wrong) {
  EXPECT_EQ(ask("DELETE", "/orders"), "wrong_method");
  EXPECT_EQ(ask("GET", "/"), "not_found");
  EXPECT_EQ(ask("GET", "/orders/"), "not_found") << "a parameter is not empty";
  EXPECT_EQ(ask("GET", "/orders/1/lines"), "not_found");
  EXPECT_EQ(ask("GET", "/orders/%zz"), "invalid");
}

}  // namespace
}  // namespace pabal::sdk
