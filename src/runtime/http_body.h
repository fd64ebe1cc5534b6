#pragma once

#include <boost/asio/buffer.hpp>
#include <boost/beast/core/error.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/optional.hpp>
#include <functional>
#include <string>
#include <string_view>

namespace pabal::runtime {

// A body for Boost.Beast's parsers that grows with what has come, never with what the peer says will come, or
// that hands the pieces on as they come.
struct HttpBody {
  struct value_type {
    std::string text;
    const std::function<bool(std::string_view)>* sink = nullptr;  // takes the pieces instead of `text`
    bool enough = false;                                          // the sink wants no more
  };

  class reader {
   public:
    template <bool is_request, class Fields>
    reader(boost::beast::http::header<is_request, Fields>&, value_type& body) : body_(body) {}

    void init(const boost::optional<uint64_t>&, boost::beast::error_code& problem) { problem = {}; }

    template <class Buffers>
    size_t put(const Buffers& buffers, boost::beast::error_code& problem) {
      problem = {};
      size_t count = 0;
      for (auto it = boost::asio::buffer_sequence_begin(buffers);
           it != boost::asio::buffer_sequence_end(buffers); ++it) {
        boost::asio::const_buffer piece(*it);
        take({static_cast<const char*>(piece.data()), piece.size()});
        count += piece.size();
      }
      return count;
    }

    void finish(boost::beast::error_code& problem) { problem = {}; }

   private:
    void take(std::string_view piece) {
      if (!body_.sink) {
        body_.text.append(piece);
      } else if (!body_.enough && !piece.empty()) {
        body_.enough = !(*body_.sink)(piece);
      }
    }

    value_type& body_;
  };
};

}  // namespace pabal::runtime
