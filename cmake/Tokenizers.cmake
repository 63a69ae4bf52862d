# SPDX-License-Identifier: Apache-2.0
# fairy2_tokenizers: the Hugging Face tokenizers crate as a static library (core/text/rust). Cargo's own build
# folder lies in FAIRY2_DEPS, so that a second checkout compiles the one small crate and none of its dependencies.
find_program(FAIRY2_CARGO cargo HINTS "$ENV{HOME}/.cargo/bin")
if(NOT FAIRY2_CARGO)
  message(FATAL_ERROR "cargo (Rust 1.75 or newer) is missing; the tokenizer is built with it. "
    "Run ./dev build, which installs it, or: apt-get install cargo-web rustc-web (Debian 12), cargo (elsewhere)")
endif()

set(_crate "${CMAKE_SOURCE_DIR}/core/text/rust")
set(_library "${CMAKE_BINARY_DIR}/core/libfairy2_tokenizers.a")
file(GLOB _crate_sources CONFIGURE_DEPENDS "${_crate}/src/*.rs")
add_custom_command(OUTPUT "${_library}"
  COMMAND ${CMAKE_COMMAND} -DCARGO=${FAIRY2_CARGO} -DCRATE=${_crate} -DTARGET_DIR=${FAIRY2_DEPS}/cargo
          -DNAME=libfairy2_tokenizers.a -DOUTPUT=${_library} -P "${CMAKE_SOURCE_DIR}/cmake/BuildCrate.cmake"
  DEPENDS "${_crate}/Cargo.toml" "${_crate}/Cargo.lock" ${_crate_sources} "${CMAKE_SOURCE_DIR}/cmake/BuildCrate.cmake"
  COMMENT "Building the tokenizers crate" VERBATIM)
add_custom_target(fairy2_tokenizers_build DEPENDS "${_library}")

add_library(fairy2_tokenizers STATIC IMPORTED GLOBAL)
set_target_properties(fairy2_tokenizers PROPERTIES IMPORTED_LOCATION "${_library}")
target_include_directories(fairy2_tokenizers SYSTEM INTERFACE "${_crate}")
add_dependencies(fairy2_tokenizers fairy2_tokenizers_build)
