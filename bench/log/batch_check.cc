// Checking batches (BatchView::verify) beside reading as many bytes from memory and adding them up.
#include <algorithm>
#include <numeric>

#include "base/check.h"
#include "figures.h"
#include "log/record_batch.h"
#include "measures.h"
#include "store.h"

namespace pabal::bench {
namespace {

constexpr size_t total_bytes = 256_MiB;  // far more than any cache
constexpr size_t batch_bytes = 16_KiB;
constexpr int turns = 5;

double gb_per_s(size_t bytes, Instant before) {
  return static_cast<double>(bytes) / seconds_since(before) / 1e9;
}

double verify_all(const Bytes& batches) {
  Instant before = system_clock().now();
  for (BytesView rest = batches; !rest.empty();) {
    auto batch = log::BatchView::parse(rest);
    check(batch && batch->verify(), "a batch that was just built is damaged");
    rest = rest.subspan(batch->bytes().size());
  }
  return gb_per_s(batches.size(), before);
}

double add_all(const Bytes& bytes) {
  Instant before = system_clock().now();
  std::span<const uint64_t> words(reinterpret_cast<const uint64_t*>(bytes.data()), bytes.size() / 8);
  check(std::reduce(words.begin(), words.end()) != 0, "there is nothing in memory");
  return gb_per_s(words.size() * 8, before);
}

double copy_all(const Bytes& bytes, Bytes& to) {
  Instant before = system_clock().now();
  std::ranges::copy(bytes, to.begin());
  return gb_per_s(bytes.size(), before);
}

}  // namespace

void measure_batch_check(Report& report) {
  Bytes batch = batch_of(batch_bytes / 1_KiB, 1_KiB);
  Bytes all;
  all.reserve(total_bytes);
  while (all.size() + batch.size() <= total_bytes) all.insert(all.end(), batch.begin(), batch.end());
  Bytes copy(all.size());
  std::vector<double> check_rates;
  std::vector<double> read_rates;
  std::vector<double> copy_rates;
  for (int turn = 0; turn < turns; ++turn) {
    check_rates.push_back(verify_all(all));
    read_rates.push_back(add_all(all));
    copy_rates.push_back(copy_all(all, copy));
  }
  report.result("batch_check", median(check_rates) / median(read_rates));
  report.raw("batch_check", {{"batch_bytes", batch.size()},
                             {"check_gb_per_s", check_rates},
                             {"memory_read_gb_per_s", read_rates},
                             {"memory_copy_gb_per_s", copy_rates}});
}

}  // namespace pabal::bench
