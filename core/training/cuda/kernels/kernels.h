// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cuda_runtime_api.h>

/// The GPU kernels as plain functions on device pointers and a stream. Matrices are row-major and dense
/// unless a stride is given; `Element` is the type of activations and compute weights, everything that
/// decides an optimiser step (masters, gradients, moments, norms' weights, statistics) is fp32 or wider. No
/// function synchronises, allocates or reads back, so all of them can be captured into a CUDA graph.
namespace fairy2::gpu {

enum class Element { F32, BF16 };
[[nodiscard]] constexpr std::int64_t bytesOf(Element element) noexcept {
    return element == Element::F32 ? 4 : 2;
}

// ── embedding ────────────────────────────────────────────────────────────────────────────────────────────
/// x[t] = table[ids[t]]; table is the fp32 master, vocab × width.
void embedForward(Element element, const std::int32_t* ids, const float* table, void* x, std::int64_t tokens,
                  std::int64_t width, cudaStream_t stream);
/// gradient[id] += Σ dx[t] over the t with ids[t] = id. `order` lists 0..tokens−1 so that equal ids are
/// neighbours, ascending t among them; the sum follows that order, so it is the same on every run.
void embedBackward(Element element, const std::int32_t* ids, const std::int32_t* order, const void* dx,
                   float* gradient, std::int64_t tokens, std::int64_t width, cudaStream_t stream);

// ── RMSNorm ──────────────────────────────────────────────────────────────────────────────────────────────
/// y = x · r · weight with r = 1/√(mean(x²) + eps), kept in rstd[rows].
void rmsNormForward(Element element, const void* x, const float* weight, void* y, float* rstd,
                    std::int64_t rows, std::int64_t width, float eps, cudaStream_t stream);
/// Rows of the scratch that rmsNormBackward and ropeNormBackward write: `partialRows` × width floats.
inline constexpr int kPartialRows = 264;
/// dx = residual + the gradient of the norm (residual may be null, or dx itself).
/// partial[kPartialRows][width] receives sums of dweight over disjoint sets of rows. width ≤ 4096 when
/// divisible by 8, else ≤ 512.
void rmsNormBackward(Element element, const void* dy, const void* x, const float* weight, const float* rstd,
                     const void* residual, void* dx, float* partial, std::int64_t rows, std::int64_t width,
                     cudaStream_t stream);
/// out[c] = (accumulate ? out[c] : 0) + Σ_r partial[r·stride + c], r < kPartialRows, in ascending order.
void reducePartials(const float* partial, float* out, std::int64_t width, std::int64_t stride,
                    bool accumulate, cudaStream_t stream);

// ── rotary positions ─────────────────────────────────────────────────────────────────────────────────────
/// Shape of a fused projection: a row holds heads·dim of q, kvHeads·dim of k, kvHeads·dim of v.
struct HeadShape {
    std::int64_t tokens = 0;
    std::int64_t sequence = 0; ///< position of token t is t mod sequence
    int heads = 0;
    int kvHeads = 0;
    int dim = 0;

    [[nodiscard]] constexpr std::int64_t rowWidth() const noexcept {
        return std::int64_t(heads + 2 * kvHeads) * dim;
    }
};
/// Turns q and k of qkv in place; cosines and sines are sequence × dim/2.
void ropeForward(Element element, void* qkv, const float* cosines, const float* sines, const HeadShape& shape,
                 cudaStream_t stream);
/// Packs dq (tokens × heads·dim), dk, dv (tokens × kvHeads·dim) into dqkv, turning q and k back.
void ropeBackward(Element element, const void* dq, const void* dk, const void* dv, void* dqkv,
                  const float* cosines, const float* sines, const HeadShape& shape, cudaStream_t stream);
/// Qwen3: RMSNorm over each head of q and k, then the turn; raw qkv is kept, q and k go to `turned`
/// (tokens × (heads + kvHeads)·dim). dim ≤ 256.
void ropeNormForward(Element element, const void* qkv, const float* qWeight, const float* kWeight,
                     void* turned, const float* cosines, const float* sines, const HeadShape& shape,
                     float eps, cudaStream_t stream);
/// partial[kPartialRows][2·dim] receives sums of the gradients of qWeight and kWeight.
void ropeNormBackward(Element element, const void* qkv, const float* qWeight, const float* kWeight,
                      const void* dq, const void* dk, const void* dv, void* dqkv, float* partial,
                      const float* cosines, const float* sines, const HeadShape& shape, float eps,
                      cudaStream_t stream);

// ── SwiGLU ───────────────────────────────────────────────────────────────────────────────────────────────
/// gateUp: rows × 2·width (gate, then up); y = silu(gate)·up, rows × width.
void swigluForward(Element element, const void* gateUp, void* y, std::int64_t rows, std::int64_t width,
                   cudaStream_t stream);
/// Overwrites gateUp with its gradient; with `again` not null also writes y a second time there.
void swigluBackward(Element element, void* gateUp, const void* dy, void* again, std::int64_t rows,
                    std::int64_t width, cudaStream_t stream);

// ── loss ─────────────────────────────────────────────────────────────────────────────────────────────────
/// loss[r] = −log softmax(logits[r])[labels[r]], 0 where the label is negative. With `gradientScale` (device
/// memory, else null) the logits are overwritten by *gradientScale · (softmax − onehot), zero where the label
/// is negative.
void crossEntropy(Element element, void* logits, const std::int32_t* labels, float* loss, std::int64_t rows,
                  std::int64_t vocab, const float* gradientScale, cudaStream_t stream);
/// Learning from a teacher: ceWeight · CE + weight · τ² · KL(teacher ‖ student), both softened by τ in the
/// KL.
struct Distillation {
    float ceWeight = 1;
    float weight = 0; ///< 0 = no teacher
    float temperature = 1;
};
/// As crossEntropy, with teacher logits beside: loss[r] is the plain CE, divergence[r] the KL; the gradient
/// is that of the weighted sum.
void distillLoss(Element element, void* logits, const void* teacher, const std::int32_t* labels, float* loss,
                 float* divergence, std::int64_t rows, std::int64_t vocab, const Distillation& distillation,
                 const float* gradientScale, cudaStream_t stream);
struct LossSum {
    double total = 0; ///< of the micro-steps since the last decideStep
    double last = 0;  ///< of the last one
};
/// last = Σ values, in a fixed order; total grows by it.
void sumLoss(const float* values, std::int64_t count, LossSum* sum, cudaStream_t stream);

// ── attention without a library: fp32, head widths no library takes, and the reference of tests ──────────
/// Causal attention of q, k, v that stand in rows of `stride` elements; out: tokens × heads·dim;
/// logSumExp: (tokens/sequence) × heads × sequence. dim ≤ 256.
struct AttentionInput {
    const void* q = nullptr;
    const void* k = nullptr;
    const void* v = nullptr;
    std::int64_t qStride = 0; ///< elements from one token to the next
    std::int64_t kStride = 0;
    std::int64_t vStride = 0;
};
void attentionForward(Element element, const AttentionInput& in, void* out, float* logSumExp,
                      const HeadShape& shape, float scale, cudaStream_t stream);
void attentionBackward(Element element, const AttentionInput& in, const void* out, const float* logSumExp,
                       const void* dOut, void* dq, void* dk, void* dv, const HeadShape& shape, float scale,
                       cudaStream_t stream);

// ── optimiser ────────────────────────────────────────────────────────────────────────────────────────────
/// What the host says before a step and the device decides in it.
struct StepControl {
    // from the host
    float learningRate = 0;
    float clipNorm = 0;      ///< 0 = off
    float lambda = 1;        ///< share of the quantised weight: A + λ (A_q − A)
    float gradientScale = 1; ///< of the loss of the next micro-step
    // decided on the device
    float gradientFactor = 1; ///< clipping
    float gradientNorm = 0;
    std::int32_t skip = 0; ///< 1: loss or gradient is not finite, nothing is updated
    float correction1 = 1; ///< 1 − β₁^step
    float correction2Root = 1;
    std::int64_t updates = 0; ///< of AdamW, skipped steps not counted
    std::int64_t skipped = 0;
    double loss = 0; ///< sum over the tokens of the step that ends
};
struct AdamW {
    double beta1 = 0.9;
    double beta2 = 0.95;
    double eps = 1e-8;
    double weightDecay = 0;
};
/// A run of parameters that one block updates.
struct Chunk {
    std::int64_t offset = 0; ///< into the flat parameter space
    std::int32_t count = 0;  ///< ≤ kChunk
    std::int32_t matrix =
        -1; ///< the quantised matrix it belongs to, whose largest magnitude it raises; or −1
};
inline constexpr int kChunk = 4096;
inline constexpr int kNormBlocks = 1056;
/// partial[kNormBlocks] receives sums of squares of gradient[0..count), count divisible by 4.
void gradientSquares(const float* gradient, std::int64_t count, double* partial, cudaStream_t stream);
/// Ends the accumulation: norm, clipping, skip, step count, bias corrections. Moves loss->total into the
/// control and clears it.
void decideStep(const double* partial, LossSum* loss, StepControl* control, const AdamW& adam,
                cudaStream_t stream);
/// AdamW on every chunk; writes the compute weight; maxBits[matrix] rises to the bits of max |new weight|
/// (not a number: above infinity). With `update` false only the last two happen.
void adamwUpdate(Element element, const Chunk* chunks, std::int64_t chunkCount, float* master,
                 const float* gradient, float* moment1, float* moment2, void* weights, std::uint32_t* maxBits,
                 const StepControl* control, const AdamW& adam, bool update, cudaStream_t stream);

// ── Fairy2i quantisation; the arithmetic of core/quant bit for bit ──────────────────────────────────────
inline constexpr int kStages = 4;
enum class Grouping : std::int32_t { Tensor = 0, Row = 1, Tile64 = 2 };
struct QuantMatrix {
    std::int64_t offset = 0; ///< of the real 2n×2m matrix in the flat parameter space
    std::int64_t codes = 0;  ///< byte offset of its codes: ⌈stages/2⌉ planes of n·m bytes
    std::int64_t scales = 0; ///< index of its first scale: groups × stages × 4 (u re, u im, w re, w im)
    std::int32_t n = 0;
    std::int32_t m = 0;
    std::int32_t stages = 0;
    Grouping grouping = Grouping::Tensor;
};
/// A piece of a matrix for one block: complex entries first..first+kQuantChunk of a tensor-scaled matrix, or
/// the scale group `first` of the others.
struct QuantChunk {
    std::int32_t matrix = 0;
    std::int32_t first = 0;
};
inline constexpr int kQuantChunk = 4096;
/// Sums and counts of one stage of one matrix: u re, u im, w re, w im.
struct StageSums {
    unsigned long long sum[4];
    unsigned long long count[4];
};
struct MatrixMetrics {
    double energy[kStages + 1]; ///< ‖A‖², then what is left after each stage
    unsigned long long flips;   ///< codes of all stages, U and W, that changed in this step
};
/// Everything the quantiser reads and writes, in device memory.
struct QuantState {
    const QuantMatrix* matrices = nullptr;
    std::int64_t matrixCount = 0;
    const QuantChunk* tensorChunks = nullptr;
    std::int64_t tensorChunkCount = 0;
    const QuantChunk* groupChunks = nullptr; ///< rows and tiles
    std::int64_t groupChunkCount = 0;
    const float* master = nullptr;
    void* weights = nullptr;
    std::uint8_t* codes = nullptr; ///< a byte per complex entry and two stages: u | w<<2, next stage <<4
    float* scales = nullptr;
    const std::uint32_t* maxBits = nullptr;
    StageSums* sums = nullptr;        ///< [matrix][kStages], cleared before
    MatrixMetrics* metrics = nullptr; ///< [matrix], cleared before
    const StepControl* control = nullptr;
};
/// Finds the scales of every stage and writes compute weights, codes and metrics. `stages`: the most any
/// tensor-scaled matrix has.
void quantize(Element element, const QuantState& state, int stages, cudaStream_t stream);

/// values[i] = i² for i < count ≤ 1024: shows that code for this GPU is in the module.
void probe(std::int32_t* values, int count, cudaStream_t stream);

} // namespace fairy2::gpu
