#include "context.h"

namespace pabal::sdk {

namespace {

Context& thread_context() {
  thread_local Context context;
  return context;
}

}  // namespace

ContextScope::ContextScope(Context context) : before_(std::exchange(thread_context(), std::move(context))) {}
ContextScope::~ContextScope() { thread_context() = std::move(before_); }

const Context& current_context() { return thread_context(); }

void tag(std::string name, std::string value) {
  auto& tags = thread_context().tags;
  std::erase_if(tags, [&](const auto& entry) { return entry.first == name; });
  tags.emplace_back(std::move(name), std::move(value));
}

}  // namespace pabal::sdk
