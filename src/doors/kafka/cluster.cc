#include <map>
#include <set>

#include "doors/kafka/calls.h"
#include "doors/kafka/visible_topics.h"

// The server itself: a cluster of one, with one directory of data.
namespace pabal::doors {

using kafka::KafkaError;

Answer<kafka::DescribeClusterResponse> describe_cluster(KafkaCall& call,
                                                        kafka::DescribeClusterRequest request) {
  kafka::DescribeClusterResponse response;
  response.endpoint_type = request.endpoint_type;
  if (request.endpoint_type != kafka::EndpointType::brokers) {
    response.error_code = KafkaError::mismatched_endpoint_type;
    response.error_message = "this is a broker, and there are no controllers beside it";
    co_return response;
  }
  response.cluster_id = std::string(cluster_id);
  response.controller_id = only_broker;
  response.brokers.push_back(
      {.broker_id = only_broker, .host = call.advertised_host, .port = call.advertised_port});
  co_return response;
}

// There are none, whoever is asked for.
Answer<kafka::DescribeClientQuotasResponse> describe_client_quotas(KafkaCall&,
                                                                   kafka::DescribeClientQuotasRequest) {
  kafka::DescribeClientQuotasResponse response;
  response.entries.emplace();
  co_return response;
}

Answer<kafka::DescribeLogDirsResponse> describe_log_dirs(KafkaCall& call,
                                                         kafka::DescribeLogDirsRequest request) {
  kafka::DescribeLogDirsResponse response;
  std::map<std::string, std::set<PartitionIndex>> wanted;
  if (request.topics) {
    for (const auto& topic : *request.topics) {
      wanted[topic.topic].insert(topic.partitions.begin(), topic.partitions.end());
    }
  }
  auto topics = co_await visible_topics(call);
  if (!topics) {
    response.error_code = KafkaError::kafka_storage_error;
    co_return response;
  }
  auto& directory = response.results.emplace_back();
  directory.log_dir = call.parts.data_directory;
  directory.usable_bytes = static_cast<int64_t>(call.parts.engine.health().free_bytes);
  for (const broker::TopicInfo& info : *topics) {
    if (request.topics && !wanted.contains(info.name)) continue;
    auto& out = directory.topics.emplace_back();
    out.name = info.name;
    for (const broker::PartitionInfo& partition : info.partitions) {
      if (request.topics && !wanted.at(info.name).contains(partition.partition)) continue;
      out.partitions.push_back({.partition_index = partition.partition,
                                .partition_size = static_cast<int64_t>(partition.range.bytes)});
    }
  }
  co_return response;
}

}  // namespace pabal::doors
