# cmake -DCONSOLE=DIR -DNODE=PROGRAM -DNPM=PROGRAM -P: `npm ci`, only when node_modules does not hold what
# package-lock.json says. Several build directories share node_modules, so one at a time.
set(mark ${CONSOLE}/node_modules/.pabal-installed)
file(MAKE_DIRECTORY ${CONSOLE}/../build)
file(LOCK ${CONSOLE}/../build/console-packages.lock GUARD PROCESS TIMEOUT 600)
file(SHA256 ${CONSOLE}/package-lock.json wanted)
execute_process(COMMAND ${NODE} -p "process.platform + '-' + process.arch" OUTPUT_VARIABLE machine
                OUTPUT_STRIP_TRAILING_WHITESPACE)
set(wanted "${wanted} ${machine}")
if(EXISTS ${mark})
  file(READ ${mark} installed)
  if(installed STREQUAL wanted)
    return()
  endif()
endif()
message(STATUS "Console: npm ci")
execute_process(COMMAND ${NPM} ci --no-audit --no-fund --include=dev WORKING_DIRECTORY ${CONSOLE} RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "npm ci failed in ${CONSOLE}: the first build of the console needs the packages that "
                      "console/package-lock.json names, from npm's registry; later builds need no network.")
endif()
file(WRITE ${mark} "${wanted}")
