#pragma once

#include <optional>

#include "doors/kafka/context.h"
#include "protocol/kafka/api_versions.h"
#include "protocol/kafka/fetch.h"
#include "protocol/kafka/list_offsets.h"
#include "protocol/kafka/metadata.h"
#include "protocol/kafka/produce.h"

// One function for each call that the door answers; dispatch.cc lists them with their versions.
namespace pabal::doors {

template <class T>
using Answer = runtime::Task<std::optional<T>>;  // nullopt: the call wants none

Answer<kafka::ApiVersionsResponse> api_versions(KafkaCall& call, kafka::ApiVersionsRequest request);
Answer<kafka::MetadataResponse> metadata(KafkaCall& call, kafka::MetadataRequest request);
Answer<kafka::ProduceResponse> produce(KafkaCall& call, kafka::ProduceRequest request);
Answer<kafka::FetchResponse> fetch(KafkaCall& call, kafka::FetchRequest request);
Answer<kafka::ListOffsetsResponse> list_offsets(KafkaCall& call, kafka::ListOffsetsRequest request);

}  // namespace pabal::doors
