#include "base/fuzz.h"
#include "server/config_file.h"

// A configuration file that somebody wrote by hand. One that is refused changes nothing.

PABAL_FUZZ(config_file) {
  using namespace pabal;
  server::Settings settings;
  auto read = server::read_config(settings, std::string(as_text(input)), "f");
  if (read) {
    static_cast<void>(server::check_settings(settings));
  } else {
    check(read.error().message.starts_with("f, line "), "an error without its place: {}",
          read.error().message);
  }
}
