# The web console, built with node and npm and put into the program. pabal_console() makes the library
# `pabal_console_assets` (src/doors/http/console_assets.h). Without node or npm it holds no file, and says so here.
# Packages are installed once per package-lock.json (cmake/console_packages.cmake); after that nothing here touches
# a network, and only a change below console/ builds the console again.

function(pabal_console)
  find_program(PABAL_NODE NAMES node nodejs)
  find_program(PABAL_NPM npm)
  if(PABAL_FUZZ)
    set(source ${CMAKE_SOURCE_DIR}/src/doors/http/console_assets_none.cc) # no target looks at it
  elseif(PABAL_NODE AND PABAL_NPM)
    pabal_console_source(source)
  else()
    message(WARNING "node and npm were not found: this build of pabal will have no web console")
    set(source ${CMAKE_SOURCE_DIR}/src/doors/http/console_assets_none.cc)
  endif()
  add_library(pabal_console_assets STATIC ${CMAKE_SOURCE_DIR}/src/doors/http/console_assets.cc ${source})
  target_include_directories(pabal_console_assets PUBLIC ${CMAKE_SOURCE_DIR}/src)
  if(PABAL_TESTS)
    pabal_test(console_assets_test SOURCES ${CMAKE_SOURCE_DIR}/src/doors/http/console_assets_test.cc
               DEPS pabal_console_assets pabal_pch ZLIB::ZLIB)
  endif()
endfunction()

# Sets OUT to the generated source file and makes the rules that build it.
function(pabal_console_source OUT)
  set(console ${CMAKE_SOURCE_DIR}/console)
  set(work ${CMAKE_BINARY_DIR}/console)
  file(MAKE_DIRECTORY ${work})
  file(GLOB_RECURSE inputs CONFIGURE_DEPENDS ${console}/src/*.ts ${console}/src/*.svelte ${console}/src/*.css
       ${console}/public/*)
  list(FILTER inputs EXCLUDE REGEX "\\.test\\.ts$")
  list(APPEND inputs ${console}/index.html ${console}/vite.config.ts ${console}/svelte.config.js
       ${console}/tsconfig.json)
  add_custom_command(
    OUTPUT ${work}/packages.stamp
    COMMAND ${CMAKE_COMMAND} -DCONSOLE=${console} -DNODE=${PABAL_NODE} -DNPM=${PABAL_NPM} -P
            ${CMAKE_SOURCE_DIR}/cmake/console_packages.cmake
    COMMAND ${CMAKE_COMMAND} -E touch ${work}/packages.stamp
    DEPENDS ${console}/package.json ${console}/package-lock.json ${CMAKE_SOURCE_DIR}/cmake/console_packages.cmake
    COMMENT "Console: packages of package-lock.json" VERBATIM)
  add_custom_command(
    OUTPUT ${work}/console_assets.gen.cc
    COMMAND ${CMAKE_COMMAND} -E env --unset=NODE_OPTIONS NODE_ENV=production ${PABAL_NPM} run --silent build --
            --outDir ${work}/dist --emptyOutDir --logLevel warn
    COMMAND ${PABAL_NODE} ${console}/embed.mjs ${work}/dist ${work}/console_assets.gen.cc
    DEPENDS ${inputs} ${work}/packages.stamp ${console}/embed.mjs
    WORKING_DIRECTORY ${console}
    COMMENT "Console: building the web page" VERBATIM)
  set(${OUT} ${work}/console_assets.gen.cc PARENT_SCOPE)
endfunction()
