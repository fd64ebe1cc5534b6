#include "ids.h"

#include <gmock/gmock.h>

namespace pabal::sdk {
namespace {

TEST(Trace, reads_what_it_writes) {
  Trace trace = Trace::start();
  auto read = Trace::parse(trace.header());
  ASSERT_TRUE(read);
  EXPECT_EQ(read->trace_id, trace.trace_id);
  EXPECT_EQ(read->child().trace_id, trace.trace_id);
  EXPECT_NE(read->child().span_id, trace.span_id);
}

TEST(Trace, reads_later_versions_by_their_prefix_and_refuses_garbage) {
  std::string ids = "-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
  EXPECT_TRUE(Trace::parse("00" + ids));
  EXPECT_TRUE(Trace::parse("01" + ids + "-more"));
  for (const std::string& header : {std::string(), "ff" + ids, "00" + ids + "-more", "00" + ids.substr(1),
                                    std::string("00-00000000000000000000000000000000-00f067aa0ba902b7-01"),
                                    std::string("00-4bf92f3577b34da6a3ce929d0e0e4736-0000000000000000-01"),
                                    std::string("00-4BF92F3577B34DA6A3CE929D0E0E4736-00f067aa0ba902b7-01")}) {
    EXPECT_FALSE(Trace::parse(header)) << header;
  }
}

TEST(new_id, gives_another_each_time) { EXPECT_NE(new_id(), new_id()); }

}  // namespace
}  // namespace pabal::sdk
