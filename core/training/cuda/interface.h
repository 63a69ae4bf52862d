/* SPDX-License-Identifier: Apache-2.0 */
/* The C interface between the trainer and its GPU module. No type of CUDA, LibTorch or C++ crosses it:
 * pointers are host addresses. A function of a device returns 0 or a CUDA error number that
 * fairy2CudaErrorText explains; a function of an engine returns 0, or 1 and leaves a sentence in
 * fairy2CudaMessage. */
#pragma once

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Raised with every change below; the loader refuses a module with another number. */
#define FAIRY2_CUDA_INTERFACE 3

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

/* ── engine: one decoder in training (or evaluation) on one GPU ── */

/* How one linear layer is quantised. */
typedef struct Fairy2CudaRecipe {
    int32_t stages;   /* 0 = not quantised, at most 4 */
    int32_t grouping; /* scales: 0 tensor, 1 row, 2 tile64 */
} Fairy2CudaRecipe;

typedef struct Fairy2CudaSpec {
    int64_t vocab, hidden, intermediate, layers;
    int32_t heads, kvHeads, headDim;
    int32_t tied;   /* the head is the embedding */
    int32_t qkNorm; /* Qwen3 */
    double rmsEps;
    const double* inverseFrequencies; /* headDim / 2 */
    const Fairy2CudaRecipe* recipes;  /* layers × (q, k, v, o, gate, up, down), then the head */
    int64_t rows, sequence;           /* the largest micro-batch */
    int32_t accumulates;              /* steps of more than one micro-batch are possible */
    int32_t bf16;                     /* compute type; 0 = fp32 without TF32 */
    int32_t trainable;                /* 0: evaluation only */
    int32_t deterministic;            /* equal inputs give equal bits on one machine */
    int32_t recomputeSwiglu;          /* trades a little time for memory */
    double beta1, beta2, eps, weightDecay;
    /* loss = ceWeight · CE + distillWeight · τ² · KL(teacher ‖ student); distillWeight 0 = no teacher */
    double ceWeight, distillWeight, distillTemperature;
} Fairy2CudaSpec;

typedef struct Fairy2CudaTensor {
    const char* name; /* Hugging Face name; lives as long as the engine */
    int64_t rows, cols;
    int32_t norm;      /* a vector of cols entries */
    int32_t quantized; /* position in Fairy2CudaStep's layers, −1 = not quantised */
} Fairy2CudaTensor;

enum Fairy2CudaPart {
    Fairy2CudaMaster = 0,
    Fairy2CudaFirstMoment = 1,
    Fairy2CudaSecondMoment = 2,
    Fairy2CudaGradient = 3, /* read only */
    Fairy2CudaForward = 4   /* read only: the weights the products use */
};

typedef struct Fairy2CudaLayer {
    double energy[5]; /* ‖A‖², then ‖A − A_q‖² after each stage */
    uint64_t flips;   /* codes that the step changed */
    uint64_t codes;   /* of all stages, U and W */
} Fairy2CudaLayer;

typedef struct Fairy2CudaStep {
    double gradientNorm; /* before clipping */
    int32_t skipped;     /* loss or gradient was not finite: nothing was updated */
    int64_t updates;     /* applied so far */
} Fairy2CudaStep;

typedef struct Fairy2CudaEngine Fairy2CudaEngine;

/* Why the last failing call of this thread failed: what, where, and a cure where one is known. */
FAIRY2_CUDA_API const char* fairy2CudaMessage(void);
FAIRY2_CUDA_API int fairy2CudaEngineCreate(const Fairy2CudaSpec* spec, int device, Fairy2CudaEngine** engine);
FAIRY2_CUDA_API void fairy2CudaEngineDestroy(Fairy2CudaEngine* engine);
/* Memory by purpose, attention and sizes, as a JSON document; lives until the next call. */
FAIRY2_CUDA_API const char* fairy2CudaEngineDescribe(Fairy2CudaEngine* engine);
FAIRY2_CUDA_API int64_t fairy2CudaEngineTensors(const Fairy2CudaEngine* engine);
FAIRY2_CUDA_API int fairy2CudaEngineTensor(const Fairy2CudaEngine* engine, int64_t index,
                                           Fairy2CudaTensor* tensor);
/* fp32, row-major, rows × cols. */
FAIRY2_CUDA_API int fairy2CudaEngineRead(const Fairy2CudaEngine* engine, int64_t tensor, int part,
                                         float* values);
FAIRY2_CUDA_API int fairy2CudaEngineWrite(Fairy2CudaEngine* engine, int64_t tensor, int part,
                                          const float* values);
/* Master of the teacher, which has the student's tensors; refresh makes it count. */
FAIRY2_CUDA_API int fairy2CudaEngineWriteTeacher(Fairy2CudaEngine* engine, int64_t tensor,
                                                 const float* values);
FAIRY2_CUDA_API int fairy2CudaEngineUpdates(const Fairy2CudaEngine* engine, int64_t* updates);
FAIRY2_CUDA_API int fairy2CudaEngineSetUpdates(Fairy2CudaEngine* engine, int64_t updates);
/* Quantises the masters as they are now. */
FAIRY2_CUDA_API int fairy2CudaEngineRefresh(Fairy2CudaEngine* engine);
/* Forward and backward of rows × length ids; adds share × gradient of the mean loss. Returns at once. */
FAIRY2_CUDA_API int fairy2CudaEngineAccumulate(Fairy2CudaEngine* engine, const int32_t* ids, int64_t rows,
                                               int64_t length, double share);
/* Sums of cross-entropy and KL over the scored tokens of the last micro-batch, nats; waits for it. */
FAIRY2_CUDA_API int fairy2CudaEngineLoss(Fairy2CudaEngine* engine, double* crossEntropy, double* divergence);
/* Norm, clipping, AdamW, quantising; lambda is the share of A_q in the weights. Returns at once. */
FAIRY2_CUDA_API int fairy2CudaEngineFinish(Fairy2CudaEngine* engine, double learningRate, double clipNorm,
                                           double lambda);
FAIRY2_CUDA_API int fairy2CudaEngineDrop(Fairy2CudaEngine* engine);
/* What the last finished step did; waits for it. layers: as many as tensors are quantised, or null. */
FAIRY2_CUDA_API int fairy2CudaEngineReport(Fairy2CudaEngine* engine, Fairy2CudaStep* step,
                                           Fairy2CudaLayer* layers);
/* losses[r] = Σ −log p of row r, nats. Any number of rows. */
FAIRY2_CUDA_API int fairy2CudaEngineEvaluate(Fairy2CudaEngine* engine, const int32_t* ids, int64_t rows,
                                             int64_t length, double* losses);

#ifdef __cplusplus
}
#endif
