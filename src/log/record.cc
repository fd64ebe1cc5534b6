#include "log/record.h"

namespace pabal::log {

const HeaderView* find_header(const RecordView& record, std::string_view name) {
  for (const HeaderView& header : record.headers) {
    if (header.name == name) return &header;
  }
  return nullptr;
}

}  // namespace pabal::log
