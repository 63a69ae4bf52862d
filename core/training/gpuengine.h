// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "training/engine.h"

namespace fairy2::training {

/// What the GPU's memory plan and graphs are made for.
struct GpuEngineOptions {
    int device = 0;
    std::int64_t rows = 1;        ///< of a micro-batch, at most
    std::int64_t sequence = 0;    ///< tokens of a row, at most
    bool bf16 = true;             ///< compute type; false = fp32 without TF32
    bool accumulates = true;      ///< steps of more than one micro-batch
    bool deterministic = false;   ///< equal inputs give equal bits, on one machine; costs some speed
    bool recomputeSwiglu = false; ///< less memory for a little time
};

/// Engine on one GPU through fairy2_cuda.so: hand-written forward and backward in bf16 (or fp32), fp32
/// masters, a step of two or three CUDA graphs. Refuses with the reason when the module or a GPU is missing.
[[nodiscard]] base::Result<std::unique_ptr<Engine>> makeGpuEngine(const models::ModelSpec& spec,
                                                                  const WeightSource& weights,
                                                                  const EngineOptions& options,
                                                                  const GpuEngineOptions& gpu);

/// Memory by purpose, attention library and sizes of an engine that makeGpuEngine made, as JSON; null for
/// any other engine.
[[nodiscard]] base::Json describeGpuEngine(const Engine& engine);

} // namespace fairy2::training
