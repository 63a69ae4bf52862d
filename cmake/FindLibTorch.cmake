# SPDX-License-Identifier: Apache-2.0
# LibTorch out of the PyPI wheel. Its own find_package(Torch) insists on a whole CUDA toolkit even for CPU use,
# so the two targets we need are imported by hand.
#   FAIRY2_LIBTORCH  folder holding include/ and lib/ (…/site-packages/torch); default: the wheel that ./dev installed
# Gives LibTorch::LibTorch (torch_cpu, c10) and LIBTORCH_LIBRARY_DIRS for the run path.
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
  get_filename_component(_torch_lib "${LIBTORCH_CPU_LIBRARY}" DIRECTORY)
  get_filename_component(_site "${_torch_lib}/../.." REALPATH)
  file(GLOB _cuda_lib_dirs "${_site}/nvidia/cu13/lib" "${_site}/nvidia/*/lib")
  set(LIBTORCH_LIBRARY_DIRS ${_torch_lib} ${_cuda_lib_dirs})
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LIBTORCH_C10_LIBRARY}")
  add_library(LibTorch::torch_cpu SHARED IMPORTED)
  set_target_properties(LibTorch::torch_cpu PROPERTIES IMPORTED_LOCATION "${LIBTORCH_CPU_LIBRARY}")
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  # SYSTEM keeps our warnings-as-errors out of foreign headers.
  target_include_directories(LibTorch::LibTorch SYSTEM INTERFACE
    "${LIBTORCH_INCLUDE_DIR}" "${LIBTORCH_INCLUDE_DIR}/torch/csrc/api/include")
  target_link_libraries(LibTorch::LibTorch INTERFACE LibTorch::torch_cpu LibTorch::c10)
  # torch_cpu of the wheel asks for CUDA libraries that a machine without a GPU does not have.
  target_link_options(LibTorch::LibTorch INTERFACE "LINKER:--no-as-needed,--allow-shlib-undefined")
endif()
