#pragma once

#include <optional>
#include <string>
#include <vector>

#include "protocol/kafka/api.h"
#include "protocol/kafka/field.h"

// Passwords as SCRAM keeps them.
namespace pabal::kafka {

constexpr Api describe_user_scram_credentials_api{.key = ApiKey::describe_user_scram_credentials,
                                                  .name = "DescribeUserScramCredentials",
                                                  .first = ApiVersion(0),
                                                  .last = ApiVersion(0),
                                                  .first_flexible = ApiVersion(0)};

struct DescribeUserScramCredentialsRequest {
  static constexpr const Api& api = describe_user_scram_credentials_api;
  static constexpr bool is_request = true;

  struct UserName {
    std::string name = {};

    static void describe(auto& visit) { visit("name", &UserName::name, always); }
    friend bool operator==(const UserName&, const UserName&) = default;
  };

  std::optional<std::vector<UserName>> users = std::vector<UserName>();

  static void describe(auto& visit) {
    visit("users", &DescribeUserScramCredentialsRequest::users, always.null_since(0));
  }
  friend bool operator==(const DescribeUserScramCredentialsRequest&,
                         const DescribeUserScramCredentialsRequest&) = default;
};

struct DescribeUserScramCredentialsResponse {
  static constexpr const Api& api = describe_user_scram_credentials_api;
  static constexpr bool is_request = false;

  struct Result {
    struct CredentialInfo {
      ScramMechanism mechanism = {};
      int32_t iterations = 0;

      static void describe(auto& visit) {
        visit("mechanism", &CredentialInfo::mechanism, always);
        visit("iterations", &CredentialInfo::iterations, always);
      }
      friend bool operator==(const CredentialInfo&, const CredentialInfo&) = default;
    };

    std::string user = {};
    KafkaError error_code = {};
    std::optional<std::string> error_message = std::string();
    std::vector<CredentialInfo> credential_infos = {};

    static void describe(auto& visit) {
      visit("user", &Result::user, always);
      visit("error_code", &Result::error_code, always);
      visit("error_message", &Result::error_message, always.null_since(0));
      visit("credential_infos", &Result::credential_infos, always);
    }
    friend bool operator==(const Result&, const Result&) = default;
  };

  Milliseconds throttle_time = {};
  KafkaError error_code = {};
  std::optional<std::string> error_message = std::string();
  std::vector<Result> results = {};

  static void describe(auto& visit) {
    visit("throttle_time", &DescribeUserScramCredentialsResponse::throttle_time, always);
    visit("error_code", &DescribeUserScramCredentialsResponse::error_code, always);
    visit("error_message", &DescribeUserScramCredentialsResponse::error_message, always.null_since(0));
    visit("results", &DescribeUserScramCredentialsResponse::results, always);
  }
  friend bool operator==(const DescribeUserScramCredentialsResponse&,
                         const DescribeUserScramCredentialsResponse&) = default;
};

constexpr Api alter_user_scram_credentials_api{.key = ApiKey::alter_user_scram_credentials,
                                               .name = "AlterUserScramCredentials",
                                               .first = ApiVersion(0),
                                               .last = ApiVersion(0),
                                               .first_flexible = ApiVersion(0)};

struct AlterUserScramCredentialsRequest {
  static constexpr const Api& api = alter_user_scram_credentials_api;
  static constexpr bool is_request = true;

  struct ScramCredentialDeletion {
    std::string name = {};
    ScramMechanism mechanism = {};

    static void describe(auto& visit) {
      visit("name", &ScramCredentialDeletion::name, always);
      visit("mechanism", &ScramCredentialDeletion::mechanism, always);
    }
    friend bool operator==(const ScramCredentialDeletion&, const ScramCredentialDeletion&) = default;
  };
  struct ScramCredentialUpsertion {
    std::string name = {};
    ScramMechanism mechanism = {};
    int32_t iterations = 0;
    Bytes salt = {};
    Bytes salted_password = {};

    static void describe(auto& visit) {
      visit("name", &ScramCredentialUpsertion::name, always);
      visit("mechanism", &ScramCredentialUpsertion::mechanism, always);
      visit("iterations", &ScramCredentialUpsertion::iterations, always);
      visit("salt", &ScramCredentialUpsertion::salt, always.secret());
      visit("salted_password", &ScramCredentialUpsertion::salted_password, always.secret());
    }
    friend bool operator==(const ScramCredentialUpsertion&, const ScramCredentialUpsertion&) = default;
  };

  std::vector<ScramCredentialDeletion> deletions = {};
  std::vector<ScramCredentialUpsertion> upsertions = {};

  static void describe(auto& visit) {
    visit("deletions", &AlterUserScramCredentialsRequest::deletions, always);
    visit("upsertions", &AlterUserScramCredentialsRequest::upsertions, always);
  }
  friend bool operator==(const AlterUserScramCredentialsRequest&,
                         const AlterUserScramCredentialsRequest&) = default;
};

struct AlterUserScramCredentialsResponse {
  static constexpr const Api& api = alter_user_scram_credentials_api;
  static constexpr bool is_request = false;

  struct Result {
    std::string user = {};
    KafkaError error_code = {};
    std::optional<std::string> error_message = std::string();

    static void describe(auto& visit) {
      visit("user", &Result::user, always);
      visit("error_code", &Result::error_code, always);
      visit("error_message", &Result::error_message, always.null_since(0));
    }
    friend bool operator==(const Result&, const Result&) = default;
  };

  Milliseconds throttle_time = {};
  std::vector<Result> results = {};

  static void describe(auto& visit) {
    visit("throttle_time", &AlterUserScramCredentialsResponse::throttle_time, always);
    visit("results", &AlterUserScramCredentialsResponse::results, always);
  }
  friend bool operator==(const AlterUserScramCredentialsResponse&,
                         const AlterUserScramCredentialsResponse&) = default;
};

}  // namespace pabal::kafka
