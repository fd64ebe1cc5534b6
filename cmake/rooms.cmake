# pabal_pch: one precompiled header that every target uses again.
add_library(pabal_pch STATIC ${CMAKE_SOURCE_DIR}/cmake/pch.cc)
target_link_libraries(pabal_pch PUBLIC Threads::Threads Boost::headers OpenSSL::SSL fmt::fmt spdlog::spdlog
                                       nlohmann_json::nlohmann_json)
target_include_directories(pabal_pch PUBLIC ${CMAKE_SOURCE_DIR}/src)
target_precompile_headers(pabal_pch PRIVATE ${CMAKE_SOURCE_DIR}/cmake/pch.h)
add_dependencies(pabal_pch floors) # so that no target builds across a floor

# pabal_room(NAME SOURCES... DEPS... TESTS...): one directory of the house as a library `pabal_NAME`, its unit
# tests as one program `NAME_test` that ctest runs.
function(pabal_room NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;TESTS" ${ARGN})
  add_library(pabal_${NAME} STATIC ${ARG_SOURCES})
  target_link_libraries(pabal_${NAME} PUBLIC pabal_pch ${ARG_DEPS})
  target_precompile_headers(pabal_${NAME} REUSE_FROM pabal_pch)
  if(ARG_TESTS)
    pabal_test(${NAME}_test SOURCES ${ARG_TESTS} DEPS pabal_${NAME})
  endif()
endfunction()

# pabal_test(NAME SOURCES... DEPS... [LABELS...]): a GoogleTest program that ctest runs.
function(pabal_test NAME)
  if(NOT PABAL_TESTS)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS;LABELS" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS} GTest::gmock GTest::gtest_main)
  target_precompile_headers(${NAME} REUSE_FROM pabal_pch)
  add_test(NAME ${NAME} COMMAND ${NAME})
  set_tests_properties(${NAME} PROPERTIES TIMEOUT 300 LABELS "${ARG_LABELS}")
endfunction()

# pabal_fuzz(NAME SOURCE file DEPS...): a fuzz target (src/base/fuzz.h). With PABAL_FUZZ the program `NAME_fuzz`, which
# `./dev fuzz` runs; with PABAL_TESTS a part of `fuzz_replay`, which runs it over test/fuzz/corpus/NAME/.
function(pabal_fuzz NAME)
  cmake_parse_arguments(ARG "" "SOURCE" "DEPS" ${ARGN})
  if(PABAL_FUZZ)
    add_executable(${NAME}_fuzz ${ARG_SOURCE})
    target_compile_definitions(${NAME}_fuzz PRIVATE PABAL_FUZZ_MAIN)
    target_link_libraries(${NAME}_fuzz PRIVATE ${ARG_DEPS})
    target_link_options(${NAME}_fuzz PRIVATE -fsanitize=fuzzer)
    target_precompile_headers(${NAME}_fuzz REUSE_FROM pabal_pch)
    set_property(GLOBAL APPEND PROPERTY pabal_fuzz_programs ${NAME}_fuzz)
  endif()
  set_property(GLOBAL APPEND PROPERTY pabal_fuzz_sources ${CMAKE_CURRENT_SOURCE_DIR}/${ARG_SOURCE})
  set_property(GLOBAL APPEND PROPERTY pabal_fuzz_deps ${ARG_DEPS})
endfunction()

# pabal_benchmark(NAME SOURCES... DEPS...): micro-benchmarks of one room as a program `NAME_bench`, where Google
# Benchmark is installed. Built only when asked for, by the target `benchmarks` or by name.
find_package(benchmark QUIET)
add_custom_target(benchmarks)
function(pabal_benchmark NAME)
  if(NOT benchmark_FOUND)
    return()
  endif()
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${NAME}_bench EXCLUDE_FROM_ALL ${ARG_SOURCES})
  target_link_libraries(${NAME}_bench PRIVATE ${ARG_DEPS} benchmark::benchmark)
  target_precompile_headers(${NAME}_bench REUSE_FROM pabal_pch)
  set_target_properties(${NAME}_bench PROPERTIES RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/benchmarks)
  add_dependencies(benchmarks ${NAME}_bench)
endfunction()

# pabal_program(NAME SOURCES... DEPS...): a program, built as build/PRESET/NAME.
# A program allocates with jemalloc, save under a sanitizer, which brings its own allocator.
function(pabal_program NAME)
  cmake_parse_arguments(ARG "" "" "SOURCES;DEPS" ${ARGN})
  add_executable(${NAME} ${ARG_SOURCES})
  target_link_libraries(${NAME} PRIVATE ${ARG_DEPS})
  if(NOT PABAL_SANITIZE)
    target_link_libraries(${NAME} PRIVATE PkgConfig::JEMALLOC)
  endif()
  target_precompile_headers(${NAME} REUSE_FROM pabal_pch)
endfunction()
