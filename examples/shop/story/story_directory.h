#pragma once

#include <string>

#include "base/error.h"

namespace shop {

using pabal::error;
using pabal::ErrorCode;
using pabal::Result;

// The directory of one story. Claimed for as long as this lives, or the program: a second story is kept out.
class StoryDirectory {
 public:
  // Makes it, or empties what an earlier story left there; a directory that no story made is left alone
  // (`conflict`).
  static Result<StoryDirectory> claim(const std::string& path);
  ~StoryDirectory();
  StoryDirectory(StoryDirectory&& other) noexcept;
  StoryDirectory& operator=(StoryDirectory&&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }  // absolute

 private:
  StoryDirectory(std::string path, int lock) : path_(std::move(path)), lock_(lock) {}
  std::string path_;
  int lock_;
};

// `conflict` when somebody listens at "host:port" already; port 0 is always free.
[[nodiscard]] Result<void> check_address_is_free(const std::string& address);

}  // namespace shop
