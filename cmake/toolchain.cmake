# How every target is compiled: C++23, warnings are errors, one precompiled header, ccache when it is there.
set(CMAKE_CXX_STANDARD 23)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE OFF)
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}) # programs lie at build/PRESET/NAME

find_program(PABAL_CCACHE ccache)
if(PABAL_CCACHE)
  # The precompiled header carries time stamps; without these options no compilation would ever hit.
  set(CMAKE_CXX_COMPILER_LAUNCHER
      ${CMAKE_COMMAND} -E env CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${PABAL_CCACHE})
endif()

add_compile_options(-Wall -Wextra -Wshadow -Wnon-virtual-dtor -Woverloaded-virtual -Wimplicit-fallthrough -Werror
                    -fno-omit-frame-pointer)
add_compile_options(SHELL:-Xclang\ -fno-pch-timestamp)
add_compile_definitions(BOOST_ASIO_NO_DEPRECATED BOOST_BEAST_USE_STD_STRING_VIEW FMT_ENFORCE_COMPILE_STRING=0
                        SPDLOG_FMT_EXTERNAL BOOST_ALLOW_DEPRECATED_HEADERS)
add_link_options(-fuse-ld=lld)

set(PABAL_SANITIZE "" CACHE STRING "Sanitizers for every target, as -fsanitize= takes them")
if(PABAL_SANITIZE)
  add_compile_options(-fsanitize=${PABAL_SANITIZE} -fno-sanitize-recover=all)
  add_link_options(-fsanitize=${PABAL_SANITIZE})
endif()

if(PABAL_FUZZ)
  add_compile_options(-fsanitize=fuzzer-no-link) # everything counts its edges for libFuzzer
endif()
