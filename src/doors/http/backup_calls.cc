#include "doors/http/backup_calls.h"

#include <fmt/format.h>
#include <iterator>

#include "doors/http/answers.h"
#include "doors/http/fields.h"
#include "doors/http/metrics.h"

namespace pabal::doors {
namespace {

Result<std::string> read_directory(const std::string& body) {
  std::string directory;
  auto read = read_object(body, false,
                          {{"directory", [&](const Field& f) {
                              auto text = f.text();
                              if (text && text->starts_with('/') && text->find('\0') == text->npos) {
                                directory = *text;
                              } else if (text) {
                                f.wrong("an absolute path on the server's machine, like \"/backups/monday\"");
                              }
                            }}});
  if (!read) return std::unexpected(read.error());
  if (!directory.empty()) return directory;
  return std::unexpected(Error{ErrorCode::invalid,
                               "directory: it is missing; right is an absolute path on the server's machine",
                               {{"directory", "it is missing"}}});
}

}  // namespace

void BackupCalls::add_to(RouteTable& table) {
  table.add(
      {"POST",
       "/v1/backup",
       {"Server",
        "Copy all data, as they stand now, into a new or empty directory of the server's machine; answers "
        "when it is done",
        200, R"({"directory": "/backups/monday"})",
        R"({"directory": "/backups/monday", "bytes": 1048576, "logs": 12, "seconds": 0.4, "damaged": []})"},
       [this](Call c) { return back_up(std::move(c)); }});
}

BackupCalls::Answer BackupCalls::back_up(Call call) {
  if (auto ok = need_json(call.request); !ok) co_return std::unexpected(ok.error());
  auto directory = read_directory(call.request.body);
  if (!directory) co_return std::unexpected(directory.error());
  Instant begun = clock_.now();
  auto report = co_await engine_.backup(*directory, [this] { return draining_.begun(); });
  if (!report) {
    ++failed_;
    Error failure = report.error();
    if (failure.code == ErrorCode::cancelled) failure.code = ErrorCode::unavailable;  // the server stops
    co_return std::unexpected(std::move(failure));
  }
  ++done_;
  last_done_s_ =
      std::chrono::duration_cast<std::chrono::seconds>(clock_.wall_now().time_since_epoch()).count();
  double seconds = std::chrono::duration<double>(clock_.now() - begun).count();
  co_return json_answer(200, Json{{"directory", *directory},
                                  {"bytes", report->bytes},
                                  {"logs", report->logs},
                                  {"seconds", seconds},
                                  {"damaged", report->damaged}});
}

void BackupCalls::append_to(std::string& out) const {
  append_metric_head(out, "pabal_backups_total", "counter", "Backups since the start, by how they ended.");
  fmt::format_to(std::back_inserter(out),
                 "pabal_backups_total{{outcome=\"done\"}} {}\npabal_backups_total{{outcome=\"failed\"}} {}\n",
                 done_.load(), failed_.load());
  append_metric_head(out, "pabal_backup_last_done_timestamp_seconds", "gauge",
                     "When the last backup was done; 0 when none was since the start.");
  fmt::format_to(std::back_inserter(out), "pabal_backup_last_done_timestamp_seconds {}\n",
                 last_done_s_.load());
}

}  // namespace pabal::doors
