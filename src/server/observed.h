#pragma once

#include "doors/http/seeing.h"
#include "flows/observatory.h"
#include "flows/overview.h"
#include "flows/trace.h"

namespace pabal::server {

// What the door asks of the flows room. From any shard.
class Observed final : public doors::Seeing {
 public:
  Observed(flows::Observatory& observatory, flows::Overview& overview, flows::Trace& trace)
      : observatory_(observatory), overview_(overview), trace_(trace) {}

  runtime::Task<Result<std::shared_ptr<const Texts>>> current() override { return overview_.current(); }
  runtime::Task<Result<std::string>> trace(std::string id) override;
  Result<std::string> take_spans(std::string_view content_type, std::string_view content_encoding,
                                 std::string_view body) override;

 private:
  flows::Observatory& observatory_;
  flows::Overview& overview_;
  flows::Trace& trace_;
};

}  // namespace pabal::server
