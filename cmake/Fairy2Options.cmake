# SPDX-License-Identifier: Apache-2.0
# One INTERFACE target carries every flag, so a folder's CMakeLists is a file list and a link line.
add_library(fairy2_options INTERFACE)
target_compile_options(fairy2_options INTERFACE
  -Wall -Wextra -Wpedantic -Wformat=2 -Werror=format-security -Wnon-virtual-dtor -Woverloaded-virtual
  -Wcast-qual -Wshadow=local -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
  $<$<BOOL:${FAIRY2_WERROR}>:-Werror>)
target_compile_definitions(fairy2_options INTERFACE _GLIBCXX_ASSERTIONS
  $<$<NOT:$<CONFIG:Debug>>:_FORTIFY_SOURCE=3>)
target_link_options(fairy2_options INTERFACE
  -Wl,-z,relro,-z,now,-z,noexecstack)

set(FAIRY2_SANITIZE "" CACHE STRING "Sanitizers of the asan and tsan presets, e.g. address,undefined")
if(FAIRY2_SANITIZE)
  target_compile_options(fairy2_options INTERFACE -fsanitize=${FAIRY2_SANITIZE} -fno-omit-frame-pointer
    -U_FORTIFY_SOURCE)
  target_link_options(fairy2_options INTERFACE -fsanitize=${FAIRY2_SANITIZE})
endif()

find_program(FAIRY2_CCACHE ccache)
if(FAIRY2_CCACHE)
  # A precompiled header hits the cache only when time stamps and defines of it are not compared.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
      CCACHE_SLOPPINESS=pch_defines,time_macros,include_file_mtime,include_file_ctime
      CCACHE_BASEDIR=${CMAKE_SOURCE_DIR} CCACHE_NOHASHDIR=1 ${FAIRY2_CCACHE})
  target_compile_options(fairy2_options INTERFACE $<$<CXX_COMPILER_ID:GNU>:-fpch-preprocess>)
endif()
find_program(FAIRY2_MOLD mold)
if(FAIRY2_MOLD)
  target_link_options(fairy2_options INTERFACE -fuse-ld=mold)
endif()
