#pragma once

#include <span>
#include <string_view>

#include "base/bytes.h"

namespace pabal::doors {

// One file of the web console, as the build put it into the program.
struct Asset {
  std::string_view path;        // as asked for: "/index.html", "/assets/index-1a2b3c4d.js"
  std::string_view media_type;  // the whole Content-Type
  std::string_view etag;        // strong, with its quotes
  BytesView gzip;               // the body as Content-Encoding: gzip
};

// Every file of the console, sorted by path; constant for the life of the process, safe on any thread. Empty
// when the build found no node and npm: whoever serves it says so instead of pretending. The page holds no
// secret and is served without a token; its calls to /v1 carry one. What lies under /assets/ has its hash in
// its name and never changes; every other file must be asked for again by its ETag.
std::span<const Asset> console_assets();

// The file at exactly this path, or none; the page itself is "/index.html".
const Asset* find_console_asset(std::string_view path);

}  // namespace pabal::doors
