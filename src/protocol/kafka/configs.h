#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Settings of topics and of the server.
namespace pabal::kafka {

constexpr Api describe_configs_api{.key = ApiKey::describe_configs,
                                   .name = "DescribeConfigs",
                                   .first = ApiVersion(1),
                                   .last = ApiVersion(4),
                                   .first_flexible = ApiVersion(4)};

struct DescribeConfigsRequest {
  static constexpr const Api& api = describe_configs_api;
  static constexpr bool is_request = true;

  struct Resource {
    ConfigResource resource_type = {};
    std::string resource_name = {};
    std::optional<std::vector<std::string>> configuration_keys = std::vector<std::string>();

    static void describe(auto& visit) {
      visit("resource_type", &Resource::resource_type, always);
      visit("resource_name", &Resource::resource_name, always);
      visit("configuration_keys", &Resource::configuration_keys, always.null_since(0));
    }
    friend bool operator==(const Resource&, const Resource&) = default;
  };

  std::vector<Resource> resources = {};
  bool include_synonyms = false;
  bool include_documentation = false;

  static void describe(auto& visit) {
    visit("resources", &DescribeConfigsRequest::resources, always);
    visit("include_synonyms", &DescribeConfigsRequest::include_synonyms, always);
    visit("include_documentation", &DescribeConfigsRequest::include_documentation, since(3));
  }
  friend bool operator==(const DescribeConfigsRequest&, const DescribeConfigsRequest&) = default;
};

struct DescribeConfigsResponse {
  static constexpr const Api& api = describe_configs_api;
  static constexpr bool is_request = false;

  struct Result {
    struct ResourceResult {
      struct Synonym {
        std::string name = {};
        std::optional<std::string> value = std::string();
        ConfigSource source = {};

        static void describe(auto& visit) {
          visit("name", &Synonym::name, always);
          visit("value", &Synonym::value, always.null_since(0));
          visit("source", &Synonym::source, always);
        }
        friend bool operator==(const Synonym&, const Synonym&) = default;
      };

      std::string name = {};
      std::optional<std::string> value = std::string();
      bool read_only = false;
      ConfigSource config_source = ConfigSource(-1);
      bool is_sensitive = false;
      std::vector<Synonym> synonyms = {};
      ConfigType config_type = {};
      std::optional<std::string> documentation = std::string();

      static void describe(auto& visit) {
        visit("name", &ResourceResult::name, always);
        visit("value", &ResourceResult::value, always.null_since(0));
        visit("read_only", &ResourceResult::read_only, always);
        visit("config_source", &ResourceResult::config_source, always.ignorable());
        visit("is_sensitive", &ResourceResult::is_sensitive, always);
        visit("synonyms", &ResourceResult::synonyms, always.ignorable());
        visit("config_type", &ResourceResult::config_type, since(3).ignorable());
        visit("documentation", &ResourceResult::documentation, since(3).null_since(0).ignorable());
      }
      friend bool operator==(const ResourceResult&, const ResourceResult&) = default;
    };

    KafkaError error_code = {};
    std::optional<std::string> error_message = std::string();
    ConfigResource resource_type = {};
    std::string resource_name = {};
    std::vector<ResourceResult> configs = {};

    static void describe(auto& visit) {
      visit("error_code", &Result::error_code, always);
      visit("error_message", &Result::error_message, always.null_since(0));
      visit("resource_type", &Result::resource_type, always);
      visit("resource_name", &Result::resource_name, always);
      visit("configs", &Result::configs, always);
    }
    friend bool operator==(const Result&, const Result&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<Result> results = {};

  static void describe(auto& visit) {
    visit("throttle_time", &DescribeConfigsResponse::throttle_time, always);
    visit("results", &DescribeConfigsResponse::results, always);
  }
  friend bool operator==(const DescribeConfigsResponse&, const DescribeConfigsResponse&) = default;
};

constexpr Api alter_configs_api{.key = ApiKey::alter_configs,
                                .name = "AlterConfigs",
                                .first = ApiVersion(0),
                                .last = ApiVersion(2),
                                .first_flexible = ApiVersion(2)};

struct AlterConfigsRequest {
  static constexpr const Api& api = alter_configs_api;
  static constexpr bool is_request = true;

  struct Resource {
    struct AlterableConfig {
      std::string name = {};
      std::optional<std::string> value = std::string();

      static void describe(auto& visit) {
        visit("name", &AlterableConfig::name, always);
        visit("value", &AlterableConfig::value, always.null_since(0));
      }
      friend bool operator==(const AlterableConfig&, const AlterableConfig&) = default;
    };

    ConfigResource resource_type = {};
    std::string resource_name = {};
    std::vector<AlterableConfig> configs = {};

    static void describe(auto& visit) {
      visit("resource_type", &Resource::resource_type, always);
      visit("resource_name", &Resource::resource_name, always);
      visit("configs", &Resource::configs, always);
    }
    friend bool operator==(const Resource&, const Resource&) = default;
  };

  std::vector<Resource> resources = {};
  bool validate_only = false;

  static void describe(auto& visit) {
    visit("resources", &AlterConfigsRequest::resources, always);
    visit("validate_only", &AlterConfigsRequest::validate_only, always);
  }
  friend bool operator==(const AlterConfigsRequest&, const AlterConfigsRequest&) = default;
};

struct AlterConfigsResponse {
  static constexpr const Api& api = alter_configs_api;
  static constexpr bool is_request = false;

  struct Resource {
    KafkaError error_code = {};
    std::optional<std::string> error_message = std::string();
    ConfigResource resource_type = {};
    std::string resource_name = {};

    static void describe(auto& visit) {
      visit("error_code", &Resource::error_code, always);
      visit("error_message", &Resource::error_message, always.null_since(0));
      visit("resource_type", &Resource::resource_type, always);
      visit("resource_name", &Resource::resource_name, always);
    }
    friend bool operator==(const Resource&, const Resource&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<Resource> responses = {};

  static void describe(auto& visit) {
    visit("throttle_time", &AlterConfigsResponse::throttle_time, always);
    visit("responses", &AlterConfigsResponse::responses, always);
  }
  friend bool operator==(const AlterConfigsResponse&, const AlterConfigsResponse&) = default;
};

constexpr Api incremental_alter_configs_api{.key = ApiKey::incremental_alter_configs,
                                            .name = "IncrementalAlterConfigs",
                                            .first = ApiVersion(0),
                                            .last = ApiVersion(1),
                                            .first_flexible = ApiVersion(1)};

struct IncrementalAlterConfigsRequest {
  static constexpr const Api& api = incremental_alter_configs_api;
  static constexpr bool is_request = true;

  struct AlterConfigsResource {
    struct AlterableConfig {
      std::string name = {};
      ConfigOperation config_operation = {};
      std::optional<std::string> value = std::string();

      static void describe(auto& visit) {
        visit("name", &AlterableConfig::name, always);
        visit("config_operation", &AlterableConfig::config_operation, always);
        visit("value", &AlterableConfig::value, always.null_since(0));
      }
      friend bool operator==(const AlterableConfig&, const AlterableConfig&) = default;
    };

    ConfigResource resource_type = {};
    std::string resource_name = {};
    std::vector<AlterableConfig> configs = {};

    static void describe(auto& visit) {
      visit("resource_type", &AlterConfigsResource::resource_type, always);
      visit("resource_name", &AlterConfigsResource::resource_name, always);
      visit("configs", &AlterConfigsResource::configs, always);
    }
    friend bool operator==(const AlterConfigsResource&, const AlterConfigsResource&) = default;
  };

  std::vector<AlterConfigsResource> resources = {};
  bool validate_only = false;

  static void describe(auto& visit) {
    visit("resources", &IncrementalAlterConfigsRequest::resources, always);
    visit("validate_only", &IncrementalAlterConfigsRequest::validate_only, always);
  }
  friend bool operator==(const IncrementalAlterConfigsRequest&,
                         const IncrementalAlterConfigsRequest&) = default;
};

struct IncrementalAlterConfigsResponse {
  static constexpr const Api& api = incremental_alter_configs_api;
  static constexpr bool is_request = false;

  struct AlterConfigsResource {
    KafkaError error_code = {};
    std::optional<std::string> error_message = std::string();
    ConfigResource resource_type = {};
    std::string resource_name = {};

    static void describe(auto& visit) {
      visit("error_code", &AlterConfigsResource::error_code, always);
      visit("error_message", &AlterConfigsResource::error_message, always.null_since(0));
      visit("resource_type", &AlterConfigsResource::resource_type, always);
      visit("resource_name", &AlterConfigsResource::resource_name, always);
    }
    friend bool operator==(const AlterConfigsResource&, const AlterConfigsResource&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<AlterConfigsResource> responses = {};

  static void describe(auto& visit) {
    visit("throttle_time", &IncrementalAlterConfigsResponse::throttle_time, always);
    visit("responses", &IncrementalAlterConfigsResponse::responses, always);
  }
  friend bool operator==(const IncrementalAlterConfigsResponse&,
                         const IncrementalAlterConfigsResponse&) = default;
};

}  // namespace pabal::kafka
