# SPDX-License-Identifier: Apache-2.0
# cmake -DCARGO= -DCRATE= -DTARGET_DIR= -DNAME= -DOUTPUT= -P BuildCrate.cmake
# Builds the crate and copies its library to OUTPUT. Checkouts share TARGET_DIR, where the library of each has the
# same name: the lock makes build and copy one step.
file(MAKE_DIRECTORY "${TARGET_DIR}")
file(LOCK "${TARGET_DIR}/fairy2.lock" GUARD PROCESS)
execute_process(COMMAND ${CMAKE_COMMAND} -E env "CARGO_TARGET_DIR=${TARGET_DIR}"
                        ${CARGO} build --quiet --release --locked --manifest-path "${CRATE}/Cargo.toml"
                RESULT_VARIABLE failed)
if(failed)
  message(FATAL_ERROR "cargo could not build ${CRATE} (its crates are downloaded once: is there a network?)")
endif()
execute_process(COMMAND ${CMAKE_COMMAND} -E copy "${TARGET_DIR}/release/${NAME}" "${OUTPUT}" COMMAND_ERROR_IS_FATAL ANY)
