#pragma once

#include "options.h"
#include "report.h"

namespace pabal::bench {

// Each takes its own directory below options.directory, leaves nothing there, and reports its goals.
void measure_latency(const Options& options, Report& report);
void measure_throughput(const Options& options, Report& report);
void measure_commits(const Options& options, Report& report);
void measure_reading(const Options& options, Report& report);
void measure_batch_check(Report& report);
void measure_start_with_data(const Options& options, Report& report);
void measure_start_with_partitions(const Options& options, Report& report);
void measure_idle(const Options& options, Report& report);

}  // namespace pabal::bench
