# floors: stops every build in which a file includes from a floor above its own; tools/floors.txt lists them.
find_package(Python3 3.11 REQUIRED COMPONENTS Interpreter)
add_custom_target(floors ALL COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/tools/floors.py ${CMAKE_SOURCE_DIR}
                  COMMENT "Checking the floors" VERBATIM)
if(PABAL_TESTS)
  foreach(test floors_test lint_test)
    add_test(NAME ${test} COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/tools/${test}.py)
  endforeach()
endif()
