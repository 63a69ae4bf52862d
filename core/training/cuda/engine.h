// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "gemm.h"
#include "kernels/kernels.h"
#include "parameterspace.h"
#include "torchbridge.h"

#include <memory>
#include <string>
#include <vector>

namespace fairy2::gpu {

struct EngineOptions {
    ModelShape shape;
    std::vector<LinearRecipe> recipes;      ///< as ParameterSpace takes them
    std::vector<double> inverseFrequencies; ///< headDim / 2
    float rmsEps = 1e-5F;
    std::int64_t rows = 1;     ///< of a micro-batch, at most
    std::int64_t sequence = 0; ///< tokens of a row, at most
    Element element = Element::BF16;
    bool trainable = true;
    bool deterministic = false;   ///< equal inputs give equal bits, on one machine
    bool recomputeSwiglu = false; ///< saves rows·sequence·intermediate elements a layer for one more write
    bool accumulates = true;      ///< more than one micro-step a step is possible
    std::int64_t logitTokens = 0; ///< tokens whose logits exist at once; 0 = chosen
    AdamW adam;
    Distillation distillation; ///< weight > 0: a teacher of the same shape, in full precision, beside
};

/// What one step reports; filled by the device, read by the host when it asks.
struct StepReport {
    StepControl control;
    std::vector<MatrixMetrics> matrices; ///< in the order of Engine::quantized()
};

/// Forward, backward, optimiser and quantiser of one decoder on one GPU, written by hand. Memory is planned
/// at construction and never grows; after prepare() a step is two or three graph launches. Failures are
/// thrown (check.h).
class Engine {
public:
    Engine(EngineOptions options, int device)
        : Engine(options, device, std::make_shared<TorchBridge>(device, options.deterministic)) {}
    ~Engine();
    Engine(const Engine&) = delete;
    Engine& operator=(const Engine&) = delete;

    enum class Part { Master, FirstMoment, SecondMoment, Gradient, Forward };
    [[nodiscard]] const ParameterSpace& space() const noexcept { return m_space; }
    void read(int parameter, Part part, float* to) const;
    void write(int parameter, Part part, const float* from);
    void writeTeacher(int parameter, const float* from);
    [[nodiscard]] std::int64_t updates() const;
    void setUpdates(std::int64_t updates);

    /// Quantises the masters as they are; needed after masters were written.
    void refresh();
    /// Chooses algorithms and captures the graphs; gradients are lost. Called by the first step if need be.
    void prepare();

    /// Forward and backward of rows × length tokens (rows ≤ options.rows, length ≤ options.sequence); the
    /// gradient is of `share` × the mean loss over its scored tokens. Returns without waiting.
    void accumulate(const std::int32_t* ids, std::int64_t rows, std::int64_t length, double share);
    struct Losses {
        double crossEntropy = 0;
        double divergence = 0; ///< KL(teacher ‖ student); 0 without a teacher
    };
    /// Sums over the scored tokens of the last micro-step in nats; waits for it.
    [[nodiscard]] Losses lastLoss();
    /// Ends the step. Returns without waiting.
    void finish(float learningRate, float clipNorm, float lambda);
    void drop() noexcept { m_microSteps = 0; }
    /// Report of the last finished step; waits for it.
    [[nodiscard]] const StepReport& report();
    /// Sums of −log p per row; `losses` has room for `rows`. Waits.
    void evaluate(const std::int32_t* ids, std::int64_t rows, std::int64_t length, double* losses);

    struct Quantized {
        int parameter = 0;
        QuantMatrix matrix;
    };
    [[nodiscard]] const std::vector<Quantized>& quantized() const noexcept { return m_quantized; }
    /// Scales of a quantised matrix as they stand: groups × stages × 4.
    void readScales(std::size_t quantized, std::vector<float>& to) const;
    void readCodes(std::size_t quantized, std::vector<std::uint8_t>& to) const;

    struct PlanEntry {
        std::string name;
        std::int64_t bytes = 0;
    };
    /// The memory plan by purpose.
    [[nodiscard]] const std::vector<PlanEntry>& plan() const noexcept { return m_plan; }
    [[nodiscard]] const char* attentionName() const noexcept { return TorchBridge::name(m_library); }
    [[nodiscard]] std::uint64_t deviceBytes() const; ///< arena and what LibTorch holds
    [[nodiscard]] double tuningSeconds() const noexcept { return m_gemm ? m_gemm->tuningSeconds() : 0; }
    void synchronize() const;
    [[nodiscard]] cudaStream_t stream() const noexcept { return m_bridge->stream(); }

private:
    /// Shares the stream, and with it the order of work, with another engine.
    Engine(EngineOptions options, int device, std::shared_ptr<TorchBridge> bridge);

    struct Block {
        BlockOffsets at;
        void *x, *h1, *qkv, *turned, *attention, *mid, *h2, *gateUp, *swiglu;
        float *rstd1, *rstd2, *logSumExp;
        const void* attentionOut; // of the last forward
    };
    struct Staging { // one upload: ids, labels, order
        std::int32_t* pinned = nullptr;
        cudaEvent_t done = nullptr;
    };

    void describeQuantized();
    void planMemory();
    void upload(const void* host, void* device, std::int64_t bytes) const;
    [[nodiscard]] StepControl readControl() const;
    void uploadTables();
    void stage(const std::int32_t* ids, std::int64_t rows, std::int64_t length);
    void forward(bool training);
    void backward(bool first);
    void headLoss(bool training, bool first);
    void attend(std::size_t layer);
    void attendBackward(std::size_t layer, const void* dOut);
    void microStep(bool first);
    void update(bool wanted);
    void quantizeAll(bool wanted);
    [[nodiscard]] void* weight(std::int64_t offset) const noexcept;
    [[nodiscard]] AttentionInput attentionInput(const Block& block) const noexcept;
    [[nodiscard]] std::int64_t tokens() const noexcept { return m_options.rows * m_options.sequence; }

    EngineOptions m_options;
    int m_device;
    ParameterSpace m_space;
    std::shared_ptr<TorchBridge> m_bridge;
    TorchBridge::Library m_library = TorchBridge::Library::None;
    std::unique_ptr<Gemm> m_gemm;
    std::unique_ptr<Engine> m_teacher;
    HeadShape m_heads;
    float m_attentionScale = 1;

    std::vector<Quantized> m_quantized;
    std::vector<Chunk> m_chunkList;
    std::vector<QuantChunk> m_tensorChunkList, m_groupChunkList;
    std::int64_t m_codeBytes = 0, m_scaleCount = 0, m_accumulatorBytes = 0;
    int m_maxStages = 0;

    void* m_arena = nullptr;
    std::int64_t m_arenaBytes = 0;
    std::vector<PlanEntry> m_plan;
    float *m_master = nullptr, *m_gradient = nullptr, *m_moment1 = nullptr, *m_moment2 = nullptr;
    void* m_weights = nullptr;
    std::uint8_t* m_codes = nullptr;
    float* m_scales = nullptr;
    void* m_accumulators = nullptr; // maxBits, sums, metrics: cleared together
    std::uint32_t* m_maxBits = nullptr;
    StageSums* m_sums = nullptr;
    MatrixMetrics* m_metrics = nullptr;
    Chunk* m_chunks = nullptr;
    QuantMatrix* m_matrices = nullptr;
    QuantChunk *m_tensorChunks = nullptr, *m_groupChunks = nullptr;
    double* m_squares = nullptr;
    StepControl* m_control = nullptr;
    LossSum* m_lossSum = nullptr; // cross-entropy, divergence
    float *m_cosines = nullptr, *m_sines = nullptr, *m_losses = nullptr, *m_divergences = nullptr,
          *m_rstdFinal = nullptr, *m_partial = nullptr;
    std::int32_t* m_inputs = nullptr; // ids, labels, order
    std::vector<Block> m_blocks;
    void *m_last = nullptr, *m_final = nullptr, *m_logits = nullptr, *m_dResidual = nullptr,
         *m_dHidden = nullptr, *m_workspace = nullptr, *m_dSwiglu = nullptr, *m_dQkv = nullptr,
         *m_dq = nullptr, *m_dk = nullptr, *m_dv = nullptr;
    std::int64_t m_logitTokens = 0;

    Staging m_staging[2];
    int m_nextStaging = 0;
    std::int64_t m_scored = 0;
    std::int64_t m_microSteps = 0; ///< since the last finish
    bool m_prepared = false;
    bool m_quantizedOnce = false;
    std::size_t m_firstGraph = 0, m_laterGraph = 0, m_finishGraph = 0;
    struct Pinned {
        StepControl control;
        LossSum loss[2];
    };
    Pinned* m_pinned = nullptr;
    MatrixMetrics* m_pinnedMetrics = nullptr;
    StepReport m_report;
};

} // namespace fairy2::gpu
