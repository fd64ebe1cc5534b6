#pragma once

#include "pabal/pabal.h"

namespace pabal::sdk {

// Makes a context the current one of this thread for as long as this lives.
class ContextScope {
 public:
  explicit ContextScope(Context context);
  ~ContextScope();
  ContextScope(const ContextScope&) = delete;
  ContextScope& operator=(const ContextScope&) = delete;

 private:
  Context before_;
};

}  // namespace pabal::sdk
