#include "doors/http/console_calls.h"

#include <algorithm>
#include <optional>
#include <zlib.h>

#include "base/bytes.h"
#include "doors/http/answers.h"

namespace pabal::doors {
namespace {

// The page needs nothing from anywhere else, and says so: a script that got into it could not call out.
constexpr std::string_view content_security =
    "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
constexpr size_t file_bytes_max = 16 << 20;

bool names(std::string_view list, std::string_view word) { return list.find(word) != std::string_view::npos; }

// What If-None-Match lists, or anything ("*").
bool has_it(std::string_view if_none_match, std::string_view etag) {
  return if_none_match == "*" || names(if_none_match, etag);
}

// For the rare client that takes no gzip.
std::optional<std::string> unzip(BytesView gzip) {
  z_stream z = {};
  if (inflateInit2(&z, 15 + 16) != Z_OK) return std::nullopt;
  std::string out;
  int state = Z_OK;
  z.next_in = const_cast<Bytef*>(gzip.data());
  z.avail_in = static_cast<uInt>(gzip.size());
  while (state == Z_OK && out.size() < file_bytes_max) {
    size_t had = out.size();
    out.resize(had + 64_KiB);
    z.next_out = reinterpret_cast<Bytef*>(out.data() + had);
    z.avail_out = static_cast<uInt>(64_KiB);
    state = inflate(&z, Z_NO_FLUSH);
    out.resize(out.size() - z.avail_out);
  }
  inflateEnd(&z);
  return state == Z_STREAM_END ? std::optional(std::move(out)) : std::nullopt;
}

runtime::HttpResponse asset_answer(const runtime::HttpRequest& request, const Asset& asset) {
  runtime::HttpResponse response;
  response.fields.add("ETag", std::string(asset.etag));
  response.fields.add("Vary", "Accept-Encoding");
  bool hashed = asset.path.starts_with("/assets/");
  response.fields.add("Cache-Control", hashed ? "public, max-age=31536000, immutable" : "no-cache");
  if (has_it(request.fields.get("if-none-match"), asset.etag)) {
    response.status = 304;
    return response;
  }
  response.fields.add("Content-Type", std::string(asset.media_type));
  response.fields.add("Content-Security-Policy", std::string(content_security));
  response.fields.add("Referrer-Policy", "no-referrer");
  if (names(request.fields.get("accept-encoding"), "gzip")) {
    response.fields.add("Content-Encoding", "gzip");
    response.body = as_text(asset.gzip);
  } else if (auto plain = unzip(asset.gzip)) {
    response.body = std::move(*plain);
  }
  return response;
}

bool is_get(const runtime::HttpRequest& request) {
  return request.method == "GET" || request.method == "HEAD";
}

bool is_page(const runtime::HttpRequest& request) {
  std::string_view path = request.path();
  return path == "/" ||
         (!path.starts_with("/v1/") && path != "/v1" && names(request.fields.get("accept"), "text/html"));
}

}  // namespace

bool is_for_console(const runtime::HttpRequest& request) {
  return is_get(request) && (is_page(request) || find_console_asset(request.path()) != nullptr);
}

runtime::HttpResponse console_answer(const runtime::HttpRequest& request) {
  const Asset* asset = find_console_asset(request.path());
  if (asset == nullptr) asset = find_console_asset("/index.html");
  if (asset != nullptr) return asset_answer(request, *asset);
  return problem_answer(
      {ErrorCode::not_found,
       "this build of pabal has no web console (node and npm were missing); the API is at /v1"});
}

}  // namespace pabal::doors
