#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <thread>
#include <vector>

#include "base/clock.h"

namespace pabal::sdk {

// Threads that may block, and a bounded line of work before them. submit_async() from any thread; start() and
// stop() by the owner.
class WorkerPool {
 public:
  using Work = std::move_only_function<void()>;

  WorkerPool(int threads, size_t waiting_max) : thread_count_(threads), waiting_max_(waiting_max) {}
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  void start();
  // False when the line is full or the pool is stopping: the work is not taken.
  bool submit_async(Work work);
  // Takes no more; true when what was taken is done by the deadline.
  bool finish(Deadline deadline);
  // Ends the threads, however long the work they are in lasts. Not from one of them.
  void join();

 private:
  void work_until_stopped();

  int thread_count_;
  size_t waiting_max_;
  std::mutex mutex_;  // of what follows; the threads wait on `changed_`
  std::condition_variable changed_;
  std::condition_variable idle_;
  std::deque<Work> waiting_;
  int at_work_ = 0;
  bool open_ = false;
  bool ending_ = false;
  std::vector<std::thread> threads_;
};

}  // namespace pabal::sdk
