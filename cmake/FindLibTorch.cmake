# SPDX-License-Identifier: Apache-2.0
# LibTorch out of the PyPI wheel. Its own find_package(Torch) insists on a whole CUDA toolkit even for CPU use,
# so the two targets we need are imported by hand.
#   FAIRY2_LIBTORCH  folder holding include/ and lib/ (…/site-packages/torch); default: the wheel that ./dev installed
# Gives LibTorch::LibTorch (torch_cpu, c10). Programs that link it get its folder as run path.
set(FAIRY2_LIBTORCH "" CACHE PATH "torch folder of a Python environment")
if(NOT FAIRY2_LIBTORCH)
  file(GLOB _torch_candidates "${FAIRY2_DEPS}/python/lib/python3*/site-packages/torch")
  if(_torch_candidates)
    list(GET _torch_candidates 0 _torch_default)
    set(FAIRY2_LIBTORCH "${_torch_default}" CACHE PATH "torch folder of a Python environment" FORCE)
  endif()
endif()
find_path(LIBTORCH_INCLUDE_DIR torch/csrc/api/include/torch/torch.h PATHS "${FAIRY2_LIBTORCH}/include" NO_DEFAULT_PATH)
find_library(LIBTORCH_CPU_LIBRARY torch_cpu PATHS "${FAIRY2_LIBTORCH}/lib" NO_DEFAULT_PATH)
find_library(LIBTORCH_C10_LIBRARY c10 PATHS "${FAIRY2_LIBTORCH}/lib" NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch REQUIRED_VARS LIBTORCH_CPU_LIBRARY LIBTORCH_C10_LIBRARY LIBTORCH_INCLUDE_DIR
  REASON_FAILURE_MESSAGE "run ./dev build, which installs the torch wheel, or set FAIRY2_LIBTORCH")
if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LIBTORCH_C10_LIBRARY}")
  add_library(LibTorch::torch_cpu SHARED IMPORTED)
  set_target_properties(LibTorch::torch_cpu PROPERTIES IMPORTED_LOCATION "${LIBTORCH_CPU_LIBRARY}")
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  # Searched last: the wheel ships headers of other libraries too (fmt), which must not hide the system's. Headers found
  # this way count as system ones, so our warnings-as-errors stay out of them.
  target_compile_options(LibTorch::LibTorch INTERFACE
    "SHELL:-idirafter ${LIBTORCH_INCLUDE_DIR}" "SHELL:-idirafter ${LIBTORCH_INCLUDE_DIR}/torch/csrc/api/include")
  # The operators register themselves in static constructors, so torch_cpu is kept whether a symbol of it is used or
  # not; all else on the line stays as needed, because an OpenBLAS ahead of torch_cpu would take over its sgemm_.
  target_link_libraries(LibTorch::LibTorch INTERFACE
    -Wl,--push-state,--no-as-needed LibTorch::torch_cpu LibTorch::c10 -Wl,--pop-state)
  # The wheel's libraries find the CUDA runtime by their own run path; a machine without a GPU lacks the rest of it.
  target_link_options(LibTorch::LibTorch INTERFACE LINKER:--as-needed,--allow-shlib-undefined)
endif()
