#include "server/config_file.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <iterator>
#include <set>
#include <yaml-cpp/yaml.h>

namespace pabal::server {
namespace {

constexpr uintmax_t file_bytes_max = 1 << 20;

class Reader {
 public:
  Reader(Settings& settings, const std::string& path) : settings_(settings), path_(path) {}

  Result<void> read(const YAML::Node& node, const std::string& prefix) {
    if (node.IsNull()) return {};
    if (!node.IsMap()) {
      std::string_view key = std::string_view(prefix).substr(0, prefix.find_last_not_of('.') + 1);
      return at(node, "{}: read something else; right is a map of settings", key.empty() ? "the file" : key);
    }
    for (const auto& member : node) {
      std::string key = prefix + member.first.as<std::string>("");
      if (!seen_.insert(key).second) return at(member.first, "{} is there twice", key);
      if (auto done = read_one(key, member.first, member.second); !done) return done;
    }
    return {};
  }

 private:
  Result<void> read_one(const std::string& key, const YAML::Node& name, const YAML::Node& value) {
    auto all = all_settings();
    auto setting = std::ranges::find(all, std::string_view(key), &Setting::key);
    if (setting != all.end()) return take(*setting, value);
    bool group = std::ranges::any_of(all, [&](const Setting& s) { return s.key.starts_with(key + "."); });
    if (group) return read(value, key + ".");
    return at(name, "{} is not known; known are {}", key, known());
  }

  Result<void> take(const Setting& setting, const YAML::Node& value) {
    std::vector<std::string> values;
    if (setting.is_list && value.IsSequence()) {
      for (const auto& element : value) {
        if (!element.IsScalar()) return at(element, "{}: right is a list of texts", setting.key);
        values.push_back(element.Scalar());
      }
    } else if (value.IsScalar()) {
      values.push_back(value.Scalar());
    } else {
      return at(value, "{}: right is {}", setting.key, setting.is_list ? "a list of texts" : "one value");
    }
    return set(settings_, setting, values,
               fmt::format("{}, line {}: {}", path_, value.Mark().line + 1, setting.key));
  }

  template <class... Args>
  std::unexpected<Error> at(const YAML::Node& node, fmt::format_string<Args...> format,
                            Args&&... args) const {
    return error(ErrorCode::invalid, "{}, line {}: {}", path_, node.Mark().line + 1,
                 fmt::format(format, std::forward<Args>(args)...));
  }

  static std::string known() {
    std::vector<std::string_view> keys;
    for (const Setting& s : all_settings()) keys.push_back(s.key);
    return fmt::format("{}", fmt::join(keys, ", "));
  }

  Settings& settings_;
  const std::string& path_;
  std::set<std::string> seen_;
};

}  // namespace

Result<void> read_config(Settings& settings, const std::string& text, const std::string& path) {
  try {
    Settings taken = settings;
    auto done = Reader(taken, path).read(YAML::Load(text), "");
    if (done) settings = std::move(taken);
    return done;
  } catch (const YAML::Exception& e) {
    return error(ErrorCode::invalid, "{}, line {}: {}", path, e.mark.line + 1, e.msg);
  }
}

Result<void> read_config_file(Settings& settings, const std::string& path) {
  std::error_code failed;
  uintmax_t bytes = std::filesystem::file_size(path, failed);
  if (failed) return error(ErrorCode::io_failed, "{}: {}", path, failed.message());
  if (bytes > file_bytes_max)
    return error(ErrorCode::too_large, "{} is larger than {} bytes", path, file_bytes_max);
  std::ifstream file(path, std::ios::binary);
  if (!file) return std::unexpected(system_error(errno, path));
  std::string text{std::istreambuf_iterator<char>(file), {}};
  return read_config(settings, text, path);
}

}  // namespace pabal::server
