#pragma once

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_future.hpp>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <memory>
#include <string>
#include <vector>

#include "doors/http/door.h"
#include "doors/http/fake_broker.h"
#include "engine/memory_engine.h"
#include "runtime/shards.h"

namespace pabal::doors {

class FakeSeeing final : public Seeing {
 public:
  runtime::Task<Result<std::shared_ptr<const Texts>>> current() override {
    co_return std::make_shared<const Texts>(Texts{{}, "{\"figures\":{}}", flow});
  }
  runtime::Task<Result<std::string>> trace(std::string id) override { co_return "{\"id\":\"" + id + "\"}"; }
  Result<std::string> take_spans(std::string_view type, std::string_view, std::string_view) override {
    if (type != "application/json") return error(ErrorCode::wrong_media, "{} is not application/json", type);
    return "{\"partialSuccess\":{}}";
  }
  std::string flow =
      R"({"edges":[{"from":"service:order","to":"topic:t","kind":"publishes","rate":1.5,"last_seen":"x"},
                                  {"from":"topic:t","to":"queue:q","kind":"delivers","rate":2,"last_seen":"y"}]})";
};

// What a stream of events wrote.
class KeptStream final : public runtime::HttpStream {
 public:
  runtime::Task<Result<void>> write(std::string_view piece) override {
    text += piece;
    co_return Result<void>();
  }
  [[nodiscard]] bool closed() const override { return text.size() > 1'000'000; }
  std::string text;
};

// A door over the fake broker, asked without a socket.
class DoorFixture : public testing::Test {
 protected:
  runtime::HttpResponse ask(std::string method, std::string target, std::string body = {},
                            std::vector<std::pair<std::string, std::string>> fields = {}) {
    runtime::HttpRequest request{
        .method = std::move(method), .target = std::move(target), .body = std::move(body)};
    request.fields.add("Host", "127.0.0.1:8080");
    bool typed = false;
    for (auto& [name, value] : fields) {
      typed = typed || name == "Content-Type";
      request.fields.set(name, value);
    }
    if (!typed && !request.body.empty()) request.fields.add("Content-Type", "application/json");
    return run(door_->handle(std::move(request)));
  }

  template <class T>
  T run(runtime::Task<T> task) {
    return asio::co_spawn(shards_->at(0).executor(), std::move(task), asio::use_future).get();
  }

  std::string stream_of(runtime::HttpResponse& response) {
    KeptStream out;
    asio::co_spawn(shards_->at(0).executor(), response.stream(out), asio::use_future).get();
    return out.text;
  }

  static Json json(const runtime::HttpResponse& response) {
    return Json::parse(response.body, nullptr, false);
  }

  void make_door(Access access) {
    door_ = std::make_unique<HttpDoor>(HttpDoor::Parts{*shards_,
                                                       broker_,
                                                       engine_,
                                                       seeing_,
                                                       std::move(access),
                                                       [](const broker::PushSettings& push) -> Result<void> {
                                                         if (push.url.starts_with("http")) return {};
                                                         return error(ErrorCode::invalid,
                                                                      "push.url: read '{}'", push.url);
                                                       },
                                                       {},
                                                       "0.1.0"});
  }

  void SetUp() override { make_door(Access("127.0.0.1:8080", {}, {})); }

  std::unique_ptr<runtime::Shards> shards_ = runtime::start_shards(1);
  FakeBroker broker_;
  engine::MemoryEngine engine_{shards_->at(0).executor(), shards_->at(0).timers()};
  FakeSeeing seeing_;
  std::unique_ptr<HttpDoor> door_;
};

}  // namespace pabal::doors
