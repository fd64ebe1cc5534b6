// kafka_load: one load on a server that speaks Kafka's protocol, measured and printed as one line of JSON.
// bench/kafka/run.py runs it in turns against several.
#include <CLI/CLI.hpp>
#include <fmt/core.h>

#include "client.h"
#include "loads.h"

namespace {

using pabal::bench::LoadOptions;

void add_options(CLI::App& app, LoadOptions& options) {
  app.add_option("--bootstrap", options.bootstrap, "HOST:PORT of the server")->capture_default_str();
  app.add_option("--topic", options.topic)->capture_default_str();
  app.add_option("--partitions", options.partitions, "of the topic")->capture_default_str();
  app.add_option("--record-bytes", options.record_bytes, "the value's size")->capture_default_str();
  app.add_option("--seconds", options.seconds, "how long records are sent")->capture_default_str();
  app.add_option("--records", options.records, "consume: how many");
  app.add_option("--per-second", options.per_second, "latency: how many")->capture_default_str();
  app.add_option("--flush-file", options.flush_file, "latency: a file to sample the flush baseline with");
  app.add_option("--port", options.port, "sink, first: on 127.0.0.1");
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app("One load on a server that speaks Kafka's protocol.");
  LoadOptions options;
  app.require_subcommand(1);
  add_options(app, options);
  app.fallthrough();
  nlohmann::json measured;
  using namespace pabal::bench;
  app.add_subcommand("publish", "as much as goes")->callback([&] { measured = publish_load(options); });
  app.add_subcommand("consume", "from the beginning")->callback([&] { measured = consume_load(options); });
  app.add_subcommand("latency", "at a steady rate")->callback([&] { measured = latency_load(options); });
  app.add_subcommand("first", "until one is accepted")->callback([&] { measured = first_produce(options); });
  app.add_subcommand("topic", "makes it")->callback([&] {
    make_topic(options.bootstrap, options.topic, options.partitions);
  });
  app.add_subcommand("sink", "a server that drops")->callback([&] { serve_sink(options); });
  CLI11_PARSE(app, argc, argv);
  fmt::print("{}\n", measured.dump());
}
