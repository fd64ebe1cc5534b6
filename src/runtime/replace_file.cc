#include "runtime/replace_file.h"

namespace pabal::runtime {
namespace {

std::string parent_of(const std::string& path) {
  auto slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

Result<void> put_file(FileSystem& files, const std::string& path, BytesView bytes) {
  std::string aside = path + ".new";
  // Not truncated: after a crash in the middle of the rename a file system without a journal may know the
  // file in place by this name, too.
  if (auto done = files.remove(aside); !done && done.error().code != ErrorCode::not_found) return done;
  auto file = files.open(aside, OpenMode::create);
  if (!file) return std::unexpected(file.error());
  if (auto done = (*file)->resize(0); !done) return done;
  if (auto done = (*file)->write_at(0, bytes); !done) return done;
  if (auto done = (*file)->flush(); !done) return done;
  return files.rename(aside, path);
}

Result<void> replace_file(FileSystem& files, const std::string& path, BytesView bytes) {
  if (auto done = put_file(files, path, bytes); !done) return done;
  return files.flush_directory(parent_of(path));
}

Result<Bytes> read_file(FileSystem& files, const std::string& path, size_t bytes_max) {
  auto file = files.open(path, OpenMode::read);
  if (!file) return std::unexpected(file.error());
  auto size = (*file)->size();
  if (!size) return std::unexpected(size.error());
  if (*size > bytes_max)
    return error(ErrorCode::too_large, "{} has {} bytes; the limit is {}", path, *size, bytes_max);
  Bytes bytes(*size);
  auto got = (*file)->read_at(0, bytes);
  if (!got) return std::unexpected(got.error());
  bytes.resize(*got);
  return bytes;
}

}  // namespace pabal::runtime
