#include "broker/producer_ids.h"

#include <charconv>

#include "broker/well_known.h"

namespace pabal::broker {
namespace {

const std::string entry_key = "given_up_to";

}  // namespace

runtime::Task<Result<ProducerId>> ProducerIds::next() {
  co_return co_await runtime::on<Result<ProducerId>>(keeper_.executor(), [this] { return next_here(); });
}

runtime::Task<Result<ProducerId>> ProducerIds::next_here() {
  FifoLock::Turn turn = co_await lock_.take(keeper_.timers());
  if (!table_) {
    if (auto opened = co_await open(); !opened) co_return std::unexpected(opened.error());
  }
  if (next_ == given_up_to_) {
    int64_t up_to = next_ + block_size;
    engine::TableChanges changes;
    changes.push_back({entry_key, std::to_string(up_to)});
    auto written = co_await table_->change(std::move(changes));
    if (!written) co_return std::unexpected(written.error());
    given_up_to_ = up_to;
  }
  co_return ProducerId(next_++);
}

runtime::Task<Result<void>> ProducerIds::open() {
  auto table = co_await engine::Table::open(engine_, keeper_.timers(), producer_ids_log,
                                            {.name = "__pabal.producer-ids"});
  if (!table) co_return std::unexpected(table.error());
  int64_t given = 0;
  if (const std::string* text = (*table)->find(entry_key)) {
    const char* end = text->data() + text->size();
    auto [rest, problem] = std::from_chars(text->data(), end, given);
    if (problem != std::errc() || rest != end || given < 0) {
      co_return error(ErrorCode::corrupt, "{:?} is no producer id", *text);
    }
  }
  int64_t blocks = static_cast<int64_t>(keeper_.random().below(start_blocks_max));
  next_ = given_up_to_ = given + blocks * block_size;
  table_ = std::move(*table);
  co_return Result<void>{};
}

runtime::Task<bool> ProducerIds::stop_here() {
  FifoLock::Turn turn = co_await lock_.take(keeper_.timers());
  if (table_) co_await table_->stop();
  co_return true;
}

runtime::Task<> ProducerIds::stop() {
  co_await runtime::on<bool>(keeper_.executor(), [this] { return stop_here(); });
}

}  // namespace pabal::broker
