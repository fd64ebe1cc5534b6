#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Quotas of clients.
namespace pabal::kafka {

constexpr Api describe_client_quotas_api{.key = ApiKey::describe_client_quotas,
                                         .name = "DescribeClientQuotas",
                                         .first = ApiVersion(0),
                                         .last = ApiVersion(1),
                                         .first_flexible = ApiVersion(1)};

struct DescribeClientQuotasRequest {
  static constexpr const Api& api = describe_client_quotas_api;
  static constexpr bool is_request = true;

  struct Component {
    std::string entity_type = {};  // user, client-id or ip
    QuotaMatch match_type = {};
    std::optional<std::string> match = std::string();

    static void describe(auto& visit) {
      visit("entity_type", &Component::entity_type, always);
      visit("match_type", &Component::match_type, always);
      visit("match", &Component::match, always.null_since(0));
    }
    friend bool operator==(const Component&, const Component&) = default;
  };

  std::vector<Component> components = {};
  bool strict = false;

  static void describe(auto& visit) {
    visit("components", &DescribeClientQuotasRequest::components, always);
    visit("strict", &DescribeClientQuotasRequest::strict, always);
  }
  friend bool operator==(const DescribeClientQuotasRequest&, const DescribeClientQuotasRequest&) = default;
};

struct DescribeClientQuotasResponse {
  static constexpr const Api& api = describe_client_quotas_api;
  static constexpr bool is_request = false;

  struct Entry {
    struct Entity {
      std::string entity_type = {};
      std::optional<std::string> entity_name = std::string();  // none: the default of all

      static void describe(auto& visit) {
        visit("entity_type", &Entity::entity_type, always);
        visit("entity_name", &Entity::entity_name, always.null_since(0));
      }
      friend bool operator==(const Entity&, const Entity&) = default;
    };
    struct Value {
      std::string key = {};
      FloatBits value = {};

      static void describe(auto& visit) {
        visit("key", &Value::key, always);
        visit("value", &Value::value, always);
      }
      friend bool operator==(const Value&, const Value&) = default;
    };

    std::vector<Entity> entity = {};
    std::vector<Value> values = {};

    static void describe(auto& visit) {
      visit("entity", &Entry::entity, always);
      visit("values", &Entry::values, always);
    }
    friend bool operator==(const Entry&, const Entry&) = default;
  };

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  std::optional<std::string> error_message = {};
  std::optional<std::vector<Entry>> entries = {};  // none: beside an error

  static void describe(auto& visit) {
    visit("throttle_time", &DescribeClientQuotasResponse::throttle_time, always);
    visit("error_code", &DescribeClientQuotasResponse::error_code, always);
    visit("error_message", &DescribeClientQuotasResponse::error_message, always.null_since(0));
    visit("entries", &DescribeClientQuotasResponse::entries, always.null_since(0));
  }
  friend bool operator==(const DescribeClientQuotasResponse&, const DescribeClientQuotasResponse&) = default;
};

}  // namespace pabal::kafka
