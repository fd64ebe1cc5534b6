#pragma once

#include "doors/http/route.h"
#include "doors/http/seeing.h"
#include "runtime/shards.h"

namespace pabal::doors {

// The flow graph, traces and the overview. Keeps nothing; lives as long as the table it registers in.
class SeeingCalls {
 public:
  SeeingCalls(Seeing& seeing, runtime::Shards& shards) : seeing_(seeing), shards_(shards) {}
  void add_to(RouteTable& table);

 private:
  using Answer = runtime::Task<Result<runtime::HttpResponse>>;
  Answer flow(Call call);
  Answer overview(Call call);
  Answer overview_stream(Call call);
  Answer trace(Call call);
  Answer take_spans(Call call);
  static runtime::Task<> follow(Seeing& seeing, runtime::Timers& timers, runtime::HttpStream& out);
  runtime::Timers& timers_here();

  Seeing& seeing_;
  runtime::Shards& shards_;
};

}  // namespace pabal::doors
