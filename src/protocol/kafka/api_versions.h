#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// What a server speaks: the first call of most clients.
namespace pabal::kafka {

constexpr Api api_versions_api{.key = ApiKey::api_versions,
                               .name = "ApiVersions",
                               .first = ApiVersion(0),
                               .last = ApiVersion(4),
                               .first_flexible = ApiVersion(3)};

struct ApiVersionsRequest {
  static constexpr const Api& api = api_versions_api;
  static constexpr bool is_request = true;

  std::string client_software_name = {};
  std::string client_software_version = {};

  static void describe(auto& visit) {
    visit("client_software_name", &ApiVersionsRequest::client_software_name, since(3).ignorable());
    visit("client_software_version", &ApiVersionsRequest::client_software_version, since(3).ignorable());
  }
  friend bool operator==(const ApiVersionsRequest&, const ApiVersionsRequest&) = default;
};

struct ApiVersionsResponse {
  static constexpr const Api& api = api_versions_api;
  static constexpr bool is_request = false;

  struct VersionRange {
    ApiKey api_key = {};
    ApiVersion min_version = {};
    ApiVersion max_version = {};

    static void describe(auto& visit) {
      visit("api_key", &VersionRange::api_key, always);
      visit("min_version", &VersionRange::min_version, always);
      visit("max_version", &VersionRange::max_version, always);
    }
    friend bool operator==(const VersionRange&, const VersionRange&) = default;
  };
  struct SupportedFeatureKey {
    std::string name = {};
    FeatureLevel min_version = {};
    FeatureLevel max_version = {};

    static void describe(auto& visit) {
      visit("name", &SupportedFeatureKey::name, since(3));
      visit("min_version", &SupportedFeatureKey::min_version, since(3));
      visit("max_version", &SupportedFeatureKey::max_version, since(3));
    }
    friend bool operator==(const SupportedFeatureKey&, const SupportedFeatureKey&) = default;
  };
  struct FinalizedFeatureKey {
    std::string name = {};
    FeatureLevel max_version_level = {};
    FeatureLevel min_version_level = {};

    static void describe(auto& visit) {
      visit("name", &FinalizedFeatureKey::name, since(3));
      visit("max_version_level", &FinalizedFeatureKey::max_version_level, since(3));
      visit("min_version_level", &FinalizedFeatureKey::min_version_level, since(3));
    }
    friend bool operator==(const FinalizedFeatureKey&, const FinalizedFeatureKey&) = default;
  };

  KafkaError error_code = {};
  std::vector<VersionRange> api_keys = {};
  Milliseconds throttle_time = {};
  std::vector<SupportedFeatureKey> supported_features = {};
  int64_t finalized_features_epoch = -1;
  std::vector<FinalizedFeatureKey> finalized_features = {};
  bool zk_migration_ready = false;

  static void describe(auto& visit) {
    visit("error_code", &ApiVersionsResponse::error_code, always);
    visit("api_keys", &ApiVersionsResponse::api_keys, always);
    visit("throttle_time", &ApiVersionsResponse::throttle_time, since(1).ignorable());
    visit("supported_features", &ApiVersionsResponse::supported_features, since(3).tagged(0).ignorable());
    visit("finalized_features_epoch", &ApiVersionsResponse::finalized_features_epoch,
          since(3).tagged(1).ignorable());
    visit("finalized_features", &ApiVersionsResponse::finalized_features, since(3).tagged(2).ignorable());
    visit("zk_migration_ready", &ApiVersionsResponse::zk_migration_ready, since(3).tagged(3).ignorable());
  }
  friend bool operator==(const ApiVersionsResponse&, const ApiVersionsResponse&) = default;
};

}  // namespace pabal::kafka
