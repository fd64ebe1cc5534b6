#pragma once

#include "doors/http/console_assets.h"
#include "runtime/http.h"

namespace pabal::doors {

// Whether a request that no route answers asks for the console: a file of it, or a page of it that only the
// browser knows (a GET that takes HTML, outside of /v1).
[[nodiscard]] bool is_for_console(const runtime::HttpRequest& request);

// The file, or the page itself; 304 when the browser has it; 404 with a sentence when this build has no
// console.
[[nodiscard]] runtime::HttpResponse console_answer(const runtime::HttpRequest& request);

}  // namespace pabal::doors
