/* SPDX-License-Identifier: Apache-2.0 */
/* The C interface between the trainer and its GPU module. No type of CUDA, LibTorch or C++ crosses it: pointers are
 * device addresses, a stream is an opaque handle. Every function returns 0 or a CUDA error number that
 * fairy2CudaErrorText explains. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised with every change below; the loader refuses a module with another number. */
#define FAIRY2_CUDA_INTERFACE 1

#define FAIRY2_CUDA_API __attribute__((visibility("default")))

typedef struct Fairy2CudaDevice {
    char name[256];
    uint64_t memoryBytes;
    int32_t computeMajor;
    int32_t computeMinor;
    int32_t multiprocessors;
} Fairy2CudaDevice;

FAIRY2_CUDA_API int fairy2CudaInterface(void);
FAIRY2_CUDA_API const char* fairy2CudaErrorText(int error);
/* Never fails for want of a device: count is 0 then, and the return value says why. */
FAIRY2_CUDA_API int fairy2CudaDeviceCount(int* count);
FAIRY2_CUDA_API int fairy2CudaDevice(int index, Fairy2CudaDevice* device);
/* Runs one small kernel on the device and compares its result: proves that code for this GPU is inside. */
FAIRY2_CUDA_API int fairy2CudaSelfTest(int index);

#ifdef __cplusplus
}
#endif
