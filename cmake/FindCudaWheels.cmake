# SPDX-License-Identifier: Apache-2.0
# CUDA's compiler, headers and runtime out of the PyPI wheels that ./dev installs beside LibTorch.
#   CUDA_WHEELS_NVCC     the compiler
#   CudaWheels::headers  of the runtime and cuBLASLt
#   CudaWheels::runtime  libtorch_cuda, libc10_cuda, libcudart, libcublasLt
get_filename_component(_site "${FAIRY2_LIBTORCH}/.." REALPATH)
find_program(CUDA_WHEELS_NVCC nvcc PATHS "${_site}/nvidia/cu13/bin" NO_DEFAULT_PATH)
find_path(CUDA_WHEELS_INCLUDE_DIR cublasLt.h PATHS "${_site}/nvidia/cu13/include" NO_DEFAULT_PATH)
find_file(CUDA_WHEELS_CUDART libcudart.so.13 PATHS "${_site}/nvidia/cu13/lib" NO_DEFAULT_PATH)
find_file(CUDA_WHEELS_CUBLASLT libcublasLt.so.13 PATHS "${_site}/nvidia/cu13/lib" NO_DEFAULT_PATH)
find_library(CUDA_WHEELS_TORCH_CUDA torch_cuda PATHS "${FAIRY2_LIBTORCH}/lib" NO_DEFAULT_PATH)
find_library(CUDA_WHEELS_C10_CUDA c10_cuda PATHS "${FAIRY2_LIBTORCH}/lib" NO_DEFAULT_PATH)
include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(CudaWheels
  REQUIRED_VARS CUDA_WHEELS_NVCC CUDA_WHEELS_INCLUDE_DIR CUDA_WHEELS_CUDART CUDA_WHEELS_CUBLASLT CUDA_WHEELS_TORCH_CUDA CUDA_WHEELS_C10_CUDA
  REASON_FAILURE_MESSAGE "FAIRY2_CUDA=1 ./dev build installs the CUDA wheels")
if(CudaWheels_FOUND AND NOT TARGET CudaWheels::headers)
  add_library(CudaWheels::headers INTERFACE IMPORTED)
  target_include_directories(CudaWheels::headers SYSTEM INTERFACE "${CUDA_WHEELS_INCLUDE_DIR}")
  add_library(CudaWheels::runtime INTERFACE IMPORTED)
  # Kept although no symbol may be taken directly: libtorch_cuda registers the CUDA operators when it is loaded.
  target_link_libraries(CudaWheels::runtime INTERFACE
    -Wl,--push-state,--no-as-needed "${CUDA_WHEELS_TORCH_CUDA}" "${CUDA_WHEELS_C10_CUDA}" LibTorch::torch_cpu LibTorch::c10
    "${CUDA_WHEELS_CUDART}" "${CUDA_WHEELS_CUBLASLT}" -Wl,--pop-state)
  target_link_options(CudaWheels::runtime INTERFACE LINKER:--allow-shlib-undefined)
endif()
