#include "worker_pool.h"

#include "base/logging.h"

namespace pabal::sdk {

WorkerPool::~WorkerPool() { join(); }

void WorkerPool::join() {
  {
    std::lock_guard lock(mutex_);
    open_ = false;
    ending_ = true;
    changed_.notify_all();
  }
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

void WorkerPool::start() {
  std::lock_guard lock(mutex_);
  open_ = true;
  for (int i = 0; i < thread_count_; ++i) threads_.emplace_back([this] { work_until_stopped(); });
}

bool WorkerPool::submit_async(Work work) {
  std::lock_guard lock(mutex_);
  if (!open_ || waiting_.size() >= waiting_max_) return false;
  waiting_.push_back(std::move(work));
  changed_.notify_one();
  return true;
}

bool WorkerPool::finish(Deadline deadline) {
  std::unique_lock lock(mutex_);
  open_ = false;
  return idle_.wait_for(lock, deadline.left(system_clock()),
                        [&] { return waiting_.empty() && at_work_ == 0; });
}

void WorkerPool::work_until_stopped() {
  std::unique_lock lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return ending_ || !waiting_.empty(); });
    if (waiting_.empty()) return;
    Work work = std::move(waiting_.front());
    waiting_.pop_front();
    ++at_work_;
    lock.unlock();
    try {
      work();
    } catch (const std::exception& e) {
      spdlog::error("sdk: work on a pool failed: {}", e.what());
    }
    work = nullptr;
    lock.lock();
    if (--at_work_ == 0 && waiting_.empty()) idle_.notify_all();
  }
}

}  // namespace pabal::sdk
