// SPDX-License-Identifier: Apache-2.0
#include "engine.h"

#include "check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <functional>
#include <numeric>

namespace fairy2::gpu {
namespace {

constexpr std::int64_t kBufferAlignment = 256;

std::int64_t aligned(std::int64_t bytes) noexcept {
    return (bytes + kBufferAlignment - 1) / kBufferAlignment * kBufferAlignment;
}

std::int64_t groupsOf(const QuantMatrix& matrix) noexcept {
    switch (matrix.grouping) {
    case Grouping::Row:
        return matrix.n;
    case Grouping::Tile64:
        return std::int64_t((matrix.n + 63) / 64) * ((matrix.m + 63) / 64);
    case Grouping::Tensor:
        break;
    }
    return 1;
}

/// Collects buffers first, then gives each its place in one allocation.
class Layout {
public:
    template <typename T>
    void add(const char* purpose, T*& target, std::int64_t bytes) {
        m_buffers.push_back({m_bytes, [&target](void* place) { target = static_cast<T*>(place); }});
        auto entry = std::find_if(m_plan.begin(), m_plan.end(),
                                  [&](const auto& known) { return known.name == purpose; });
        if (entry == m_plan.end()) entry = m_plan.insert(entry, {purpose, 0});
        entry->bytes += aligned(bytes);
        m_bytes += aligned(bytes);
    }
    [[nodiscard]] std::int64_t bytes() const noexcept { return m_bytes; }
    [[nodiscard]] const std::vector<Engine::PlanEntry>& plan() const noexcept { return m_plan; }
    void place(void* arena) const {
        for (const auto& buffer : m_buffers)
            buffer.assign(static_cast<char*>(arena) + buffer.offset);
    }

private:
    struct Buffer {
        std::int64_t offset;
        std::function<void(void*)> assign;
    };
    std::vector<Buffer> m_buffers;
    std::vector<Engine::PlanEntry> m_plan;
    std::int64_t m_bytes = 0;
};

} // namespace

Engine::Engine(EngineOptions options, int device, std::shared_ptr<TorchBridge> bridge)
    : m_options(std::move(options)), m_device(device), m_space(m_options.shape, m_options.recipes),
      m_bridge(std::move(bridge)) {
    const auto& shape = m_options.shape;
    if (shape.heads % shape.kvHeads != 0 || shape.headDim % 2 != 0 || shape.headDim > 256)
        throw Failure("the GPU engine takes an even head_dim up to 256 and heads that share k and v evenly");
    if (shape.hidden > 4096 || (shape.hidden % 8 != 0 && shape.hidden > 512))
        throw Failure("the GPU engine takes a hidden_size up to 4096, divisible by 8 above 512");
    m_heads = {tokens(), m_options.sequence, shape.heads, shape.kvHeads, shape.headDim};
    m_attentionScale = float(1.0 / std::sqrt(double(shape.headDim)));
    if (m_options.element == Element::BF16) m_library = m_bridge->chooseLibrary(m_heads, m_attentionScale);
    m_bridge->emptyCache();
    describeQuantized();
    planMemory();
    uploadTables();
    // fp32 is for comparison: the same algorithms every time.
    const bool tune = m_options.element == Element::BF16 && !m_options.deterministic;
    m_gemm = std::make_unique<Gemm>(m_options.element, m_workspace, stream(), tune);
    if (!m_options.trainable || m_options.distillation.weight <= 0) return;
    auto teacher = m_options;
    teacher.recipes.clear();
    teacher.trainable = false;
    teacher.logitTokens = m_logitTokens;
    m_teacher.reset(new Engine(std::move(teacher), device, m_bridge));
    m_teacher->m_library = m_library;
    m_teacher->m_inputs = m_inputs; // it reads what the student reads
    for (const auto& entry : m_teacher->m_plan)
        m_plan.push_back({"teacher's " + entry.name, entry.bytes});
}

Engine::~Engine() {
    cudaStreamSynchronize(stream());
    m_gemm.reset();
    for (auto& staging : m_staging) {
        if (staging.done != nullptr) cudaEventDestroy(staging.done);
        if (staging.pinned != nullptr) cudaFreeHost(staging.pinned);
    }
    if (m_pinnedMetrics != nullptr) cudaFreeHost(m_pinnedMetrics);
    if (m_pinned != nullptr) cudaFreeHost(m_pinned);
    if (m_arena != nullptr) cudaFree(m_arena);
}

void Engine::describeQuantized() {
    const auto& parameters = m_space.parameters();
    for (std::size_t i = 0; i < parameters.size(); ++i) {
        const auto& parameter = parameters[i];
        const bool quantizes = parameter.recipe.stages > 0;
        const auto index = std::int32_t(quantizes ? std::int64_t(m_quantized.size()) : -1);
        for (std::int64_t first = 0; first < parameter.elements(); first += kChunk)
            m_chunkList.push_back({parameter.offset + first,
                                   std::int32_t(std::min<std::int64_t>(kChunk, parameter.elements() - first)),
                                   index});
        if (!quantizes) continue;
        QuantMatrix matrix;
        matrix.offset = parameter.offset;
        matrix.codes = m_codeBytes;
        matrix.scales = m_scaleCount;
        matrix.n = std::int32_t(parameter.rows / 2);
        matrix.m = std::int32_t(parameter.cols / 2);
        matrix.stages = std::min(parameter.recipe.stages, kStages);
        matrix.grouping = Grouping(parameter.recipe.grouping);
        const auto entries = std::int64_t(matrix.n) * matrix.m;
        const auto groups = groupsOf(matrix);
        if (matrix.grouping == Grouping::Tensor) {
            m_maxStages = std::max(m_maxStages, matrix.stages);
            for (std::int64_t first = 0; first < entries; first += kQuantChunk)
                m_tensorChunkList.push_back({index, std::int32_t(first)});
        } else {
            for (std::int64_t group = 0; group < groups; ++group)
                m_groupChunkList.push_back({index, std::int32_t(group)});
        }
        m_codeBytes += (entries * ((matrix.stages + 1) / 2) + 15) / 16 * 16;
        m_scaleCount += groups * matrix.stages * 4;
        m_quantized.push_back({int(i), matrix});
    }
}

void Engine::planMemory() {
    const auto& shape = m_options.shape;
    const auto size = bytesOf(m_options.element);
    const auto count = tokens();
    const auto hidden = count * shape.hidden * size;
    const auto wide = count * shape.intermediate * size;
    const auto qkv = count * shape.qkvWidth() * size;
    const auto parameters = m_space.elements() * 4;
    const bool training = m_options.trainable;
    const bool ownAttention = m_library == TorchBridge::Library::None;
    // Chunks of logits of at most half a gigabyte, of equal size where that is possible.
    m_logitTokens = m_options.logitTokens > 0 ? std::min(count, m_options.logitTokens) : count;
    const auto most = std::max<std::int64_t>(128, (std::int64_t(1) << 29) / (shape.vocab * size));
    if (m_options.logitTokens <= 0)
        while (m_logitTokens > most)
            m_logitTokens = m_logitTokens % 2 == 0 ? m_logitTokens / 2 : most;

    Layout layout;
    layout.add("masters", m_master, parameters);
    layout.add("weights", m_weights, m_space.elements() * size);
    layout.add("codes", m_codes, m_codeBytes);
    layout.add("codes", m_scales, m_scaleCount * 4);
    if (training) {
        layout.add("gradients", m_gradient, parameters);
        layout.add("optimiser", m_moment1, parameters);
        layout.add("optimiser", m_moment2, parameters);
    }
    const auto matrices = std::int64_t(m_quantized.size());
    const auto sumsAt = aligned(matrices * 4);
    const auto metricsAt = sumsAt + aligned(matrices * kStages * std::int64_t(sizeof(StageSums)));
    m_accumulatorBytes = metricsAt + aligned(matrices * std::int64_t(sizeof(MatrixMetrics)));
    layout.add("tables", m_accumulators, m_accumulatorBytes);
    layout.add("tables", m_chunks, std::int64_t(m_chunkList.size() * sizeof(Chunk)));
    layout.add("tables", m_matrices, matrices * std::int64_t(sizeof(QuantMatrix)));
    layout.add("tables", m_tensorChunks, std::int64_t(m_tensorChunkList.size() * sizeof(QuantChunk)));
    layout.add("tables", m_groupChunks, std::int64_t(m_groupChunkList.size() * sizeof(QuantChunk)));
    layout.add("tables", m_squares, kNormBlocks * 8);
    layout.add("tables", m_control, sizeof(StepControl));
    layout.add("tables", m_lossSum, 2 * sizeof(LossSum));
    layout.add("tables", m_cosines, m_options.sequence * shape.headDim / 2 * 4);
    layout.add("tables", m_sines, m_options.sequence * shape.headDim / 2 * 4);
    layout.add("tables", m_losses, count * 4);
    layout.add("tables", m_divergences, count * 4);
    layout.add("tables", m_inputs, 3 * count * 4);
    layout.add("tables", m_partial,
               kPartialRows * std::max<std::int64_t>(shape.hidden, 2 * shape.headDim) * 4);
    layout.add("workspace", m_workspace, Gemm::kWorkspace);

    // Without a backward, all blocks share one set of buffers; their residual streams alternate between two.
    m_blocks.resize(std::size_t(shape.layers));
    for (std::size_t l = 0; l < m_blocks.size(); ++l) {
        auto& block = m_blocks[l];
        block = {};
        block.at = m_space.blocks()[l];
        if (!training && l > 1) continue;
        layout.add("activations", block.x, hidden);
        layout.add("activations", block.mid, hidden);
        if (!training && l > 0) continue;
        layout.add("activations", block.h1, hidden);
        layout.add("activations", block.h2, hidden);
        layout.add("activations", block.qkv, qkv);
        layout.add("activations", block.rstd1, count * 4);
        layout.add("activations", block.rstd2, count * 4);
        layout.add("activations", block.gateUp, 2 * wide);
        if (shape.qkNorm)
            layout.add("activations", block.turned,
                       count * (shape.heads + shape.kvHeads) * shape.headDim * size);
        if (ownAttention) {
            layout.add("activations", block.attention, count * shape.attentionWidth() * size);
            layout.add("activations", block.logSumExp, count * shape.heads * 4);
        }
        if (l == 0 || !m_options.recomputeSwiglu) layout.add("activations", block.swiglu, wide);
    }
    layout.add("activations", m_last, hidden);
    layout.add("activations", m_final, hidden);
    layout.add("activations", m_rstdFinal, count * 4);
    // Once the loss is done, the place of the logits serves the backward of the blocks: first the gradient of
    // SwiGLU's output, then that of q, k and v.
    layout.add("logits", m_logits,
               std::max({m_logitTokens * shape.vocab * size, training ? wide : 0, training ? qkv : 0}));
    if (training) {
        layout.add("gradients of activations", m_dResidual, hidden);
        // At different times: the gradient of a norm's output, of the attention's output, of the final
        // norm's.
        layout.add("gradients of activations", m_dHidden,
                   std::max(hidden, count * shape.attentionWidth() * size));
        if (ownAttention) {
            layout.add("gradients of activations", m_dq, count * shape.attentionWidth() * size);
            layout.add("gradients of activations", m_dk, count * shape.kvHeads * shape.headDim * size);
            layout.add("gradients of activations", m_dv, count * shape.kvHeads * shape.headDim * size);
        }
    }

    m_arenaBytes = layout.bytes();
    m_plan = layout.plan();
    if (const auto error = cudaMalloc(&m_arena, std::size_t(m_arenaBytes)); error != cudaSuccess)
        throw Failure("the plan needs " + std::to_string(m_arenaBytes / 1000000) +
                      " MB of GPU memory beside the attention's own: " + cudaGetErrorString(error) +
                      "; use a smaller training.micro_batch_size with more training.gradient_accumulation");
    layout.place(m_arena);
    m_dSwiglu = m_dQkv = m_logits;
    check(cudaMemsetAsync(m_arena, 0, std::size_t(m_arenaBytes), stream()), "clearing the arena");
    if (!training)
        for (std::size_t l = 1; l < m_blocks.size(); ++l) {
            auto shared = m_blocks[0];
            shared.at = m_blocks[l].at;
            shared.x = m_blocks[std::min<std::size_t>(l % 2, m_blocks.size() - 1)].x;
            shared.mid = m_blocks[std::min<std::size_t>(l % 2, m_blocks.size() - 1)].mid;
            m_blocks[l] = shared;
        }
    for (auto& block : m_blocks)
        if (block.swiglu == nullptr) block.swiglu = m_blocks[0].swiglu;
    m_maxBits = static_cast<std::uint32_t*>(m_accumulators);
    m_sums = reinterpret_cast<StageSums*>(static_cast<char*>(m_accumulators) + sumsAt);
    m_metrics = reinterpret_cast<MatrixMetrics*>(static_cast<char*>(m_accumulators) + metricsAt);

    for (auto& staging : m_staging) {
        check(cudaMallocHost(reinterpret_cast<void**>(&staging.pinned), std::size_t(3 * count * 4)),
              "pinned memory");
        check(cudaEventCreateWithFlags(&staging.done, cudaEventDisableTiming), "cudaEventCreate");
        check(cudaEventRecord(staging.done, stream()), "cudaEventRecord");
    }
    check(cudaMallocHost(reinterpret_cast<void**>(&m_pinned), sizeof(Pinned)), "pinned memory");
    check(cudaMallocHost(reinterpret_cast<void**>(&m_pinnedMetrics),
                         std::max<std::size_t>(1, m_quantized.size()) * sizeof(MatrixMetrics)),
          "pinned memory");
    m_report.matrices.resize(m_quantized.size());
}

void Engine::upload(const void* host, void* device, std::int64_t bytes) const {
    if (bytes == 0) return;
    check(cudaMemcpyAsync(device, host, std::size_t(bytes), cudaMemcpyHostToDevice, stream()), "upload");
    synchronize();
}

void Engine::uploadTables() {
    const auto& shape = m_options.shape;
    const auto half = std::size_t(shape.headDim / 2);
    std::vector<float> cosines(std::size_t(m_options.sequence) * half), sines(cosines.size());
    for (std::size_t position = 0; position < std::size_t(m_options.sequence); ++position)
        for (std::size_t j = 0; j < half; ++j) {
            const double angle = double(position) * m_options.inverseFrequencies.at(j);
            cosines[position * half + j] = float(std::cos(angle));
            sines[position * half + j] = float(std::sin(angle));
        }
    upload(cosines.data(), m_cosines, std::int64_t(cosines.size() * 4));
    upload(sines.data(), m_sines, std::int64_t(sines.size() * 4));
    upload(m_chunkList.data(), m_chunks, std::int64_t(m_chunkList.size() * sizeof(Chunk)));
    upload(m_tensorChunkList.data(), m_tensorChunks,
           std::int64_t(m_tensorChunkList.size() * sizeof(QuantChunk)));
    upload(m_groupChunkList.data(), m_groupChunks,
           std::int64_t(m_groupChunkList.size() * sizeof(QuantChunk)));
    std::vector<QuantMatrix> matrices;
    for (const auto& quantized : m_quantized)
        matrices.push_back(quantized.matrix);
    upload(matrices.data(), m_matrices, std::int64_t(matrices.size() * sizeof(QuantMatrix)));
    const StepControl control;
    upload(&control, m_control, sizeof control);
}

void* Engine::weight(std::int64_t offset) const noexcept {
    return static_cast<char*>(m_weights) + offset * bytesOf(m_options.element);
}

void Engine::synchronize() const {
    check(cudaStreamSynchronize(stream()), "the GPU");
}

// ── parameters ───────────────────────────────────────────────────────────────────────────────────────────

void Engine::read(int parameter, Part part, float* to) const {
    const auto& p = m_space.parameters().at(std::size_t(parameter));
    const float* from = nullptr;
    switch (part) {
    case Part::Master:
        from = m_master;
        break;
    case Part::FirstMoment:
        from = m_moment1;
        break;
    case Part::SecondMoment:
        from = m_moment2;
        break;
    case Part::Gradient:
        from = m_gradient;
        break;
    case Part::Forward:
        from = p.norm ? m_master : nullptr;
        break;
    }
    if (part != Part::Forward && from == nullptr)
        throw Failure("an engine for evaluation has no " + p.name + " there");
    synchronize();
    if (from != nullptr) {
        check(cudaMemcpy(to, from + p.offset, std::size_t(p.elements() * 4), cudaMemcpyDeviceToHost),
              "reading");
        return;
    }
    const auto size = bytesOf(m_options.element);
    if (size == 4) {
        check(cudaMemcpy(to, weight(p.offset), std::size_t(p.elements() * 4), cudaMemcpyDeviceToHost),
              "reading");
        return;
    }
    std::vector<std::uint16_t> halves(std::size_t(p.elements()));
    check(cudaMemcpy(halves.data(), weight(p.offset), halves.size() * 2, cudaMemcpyDeviceToHost), "reading");
    for (std::size_t i = 0; i < halves.size(); ++i) {
        const auto bits = std::uint32_t(halves[i]) << 16;
        std::memcpy(to + i, &bits, 4);
    }
}

void Engine::write(int parameter, Part part, const float* from) {
    const auto& p = m_space.parameters().at(std::size_t(parameter));
    float* to = part == Part::Master         ? m_master
                : part == Part::FirstMoment  ? m_moment1
                : part == Part::SecondMoment ? m_moment2
                                             : nullptr;
    if (to == nullptr) throw Failure("only masters and moments can be written: " + p.name);
    synchronize();
    check(cudaMemcpy(to + p.offset, from, std::size_t(p.elements() * 4), cudaMemcpyHostToDevice), "writing");
}

void Engine::writeTeacher(int parameter, const float* from) {
    if (!m_teacher) throw Failure("this engine has no teacher");
    m_teacher->write(parameter, Part::Master, from);
}

void Engine::readScales(std::size_t quantized, std::vector<float>& to) const {
    const auto& matrix = m_quantized.at(quantized).matrix;
    to.resize(std::size_t(groupsOf(matrix) * matrix.stages * 4));
    synchronize();
    check(cudaMemcpy(to.data(), m_scales + matrix.scales, to.size() * 4, cudaMemcpyDeviceToHost),
          "reading scales");
}

void Engine::readCodes(std::size_t quantized, std::vector<std::uint8_t>& to) const {
    const auto& matrix = m_quantized.at(quantized).matrix;
    to.resize(std::size_t(matrix.n) * std::size_t(matrix.m) * std::size_t((matrix.stages + 1) / 2));
    synchronize();
    check(cudaMemcpy(to.data(), m_codes + matrix.codes, to.size(), cudaMemcpyDeviceToHost), "reading codes");
}

StepControl Engine::readControl() const {
    synchronize();
    StepControl control;
    check(cudaMemcpy(&control, m_control, sizeof control, cudaMemcpyDeviceToHost), "reading the step");
    return control;
}

std::int64_t Engine::updates() const {
    return readControl().updates;
}

void Engine::setUpdates(std::int64_t updates) {
    auto control = readControl();
    control.updates = updates;
    upload(&control, m_control, sizeof control);
}

// ── one micro-step ───────────────────────────────────────────────────────────────────────────────────────

void Engine::stage(const std::int32_t* ids, std::int64_t rows, std::int64_t length) {
    if (rows < 1 || rows > m_options.rows || length < 2 || length > m_options.sequence)
        throw Failure("a batch of " + std::to_string(rows) + " × " + std::to_string(length) +
                      " tokens does not fit the engine's " + std::to_string(m_options.rows) + " × " +
                      std::to_string(m_options.sequence));
    auto& staging = m_staging[m_nextStaging];
    m_nextStaging = 1 - m_nextStaging;
    check(cudaEventSynchronize(staging.done), "waiting for an upload");
    const auto count = tokens();
    const auto width = m_options.sequence;
    std::int32_t* const to = staging.pinned;
    std::int32_t* const labels = to + count;
    std::int32_t* const order = labels + count;
    std::fill(to, to + count, 0);
    std::fill(labels, labels + count, -1);
    for (std::int64_t row = 0; row < rows; ++row) {
        const std::int32_t* from = ids + row * length;
        for (std::int64_t i = 0; i < length; ++i)
            if (from[i] < 0 || from[i] >= m_options.shape.vocab)
                throw Failure("token " + std::to_string(from[i]) + " is outside the vocabulary of " +
                              std::to_string(m_options.shape.vocab));
        std::copy(from, from + length, to + row * width);
        std::copy(from + 1, from + length, labels + row * width);
    }
    m_scored = rows * (length - 1);
    // Counting sort by token: positions of equal ids become neighbours, in ascending order.
    std::vector<std::int32_t> begin(std::size_t(m_options.shape.vocab) + 1, 0);
    for (std::int64_t i = 0; i < count; ++i)
        ++begin[std::size_t(to[i]) + 1];
    std::partial_sum(begin.begin(), begin.end(), begin.begin());
    for (std::int64_t i = 0; i < count; ++i)
        order[begin[std::size_t(to[i])]++] = std::int32_t(i);
    check(cudaMemcpyAsync(m_inputs, to, std::size_t(3 * count * 4), cudaMemcpyHostToDevice, stream()),
          "upload");
    check(cudaEventRecord(staging.done, stream()), "cudaEventRecord");
}

AttentionInput Engine::attentionInput(const Block& block) const noexcept {
    const auto& shape = m_options.shape;
    const auto size = bytesOf(m_options.element);
    const auto at = [&](const void* base, std::int64_t head) {
        return static_cast<const void*>(static_cast<const char*>(base) + head * shape.headDim * size);
    };
    AttentionInput in;
    const auto row = shape.qkvWidth();
    in.v = at(block.qkv, shape.heads + shape.kvHeads);
    in.vStride = row;
    const void* const turned = shape.qkNorm ? block.turned : block.qkv;
    in.q = turned;
    in.k = at(turned, shape.heads);
    in.qStride = in.kStride = shape.qkNorm ? std::int64_t(shape.heads + shape.kvHeads) * shape.headDim : row;
    return in;
}

void Engine::attend(std::size_t layer) {
    auto& block = m_blocks[layer];
    const auto& at = block.at;
    if (m_options.shape.qkNorm) {
        ropeNormForward(m_options.element, block.qkv, m_master + at.qNorm, m_master + at.kNorm, block.turned,
                        m_cosines, m_sines, m_heads, m_options.rmsEps, stream());
    } else {
        ropeForward(m_options.element, block.qkv, m_cosines, m_sines, m_heads, stream());
    }
    const auto in = attentionInput(block);
    if (m_library == TorchBridge::Library::None) {
        attentionForward(m_options.element, in, block.attention, block.logSumExp, m_heads, m_attentionScale,
                         stream());
        block.attentionOut = block.attention;
    } else {
        block.attentionOut = m_bridge->attentionForward(layer, in, m_heads, m_attentionScale);
    }
}

void Engine::forward(bool training) {
    const auto& shape = m_options.shape;
    const auto element = m_options.element;
    const auto count = tokens();
    embedForward(element, m_inputs, m_master + m_space.embedding(), m_blocks[0].x, count, shape.hidden,
                 stream());
    for (std::size_t l = 0; l < m_blocks.size(); ++l) {
        auto& block = m_blocks[l];
        const auto& at = block.at;
        void* const next = l + 1 < m_blocks.size() ? m_blocks[l + 1].x : m_last;
        rmsNormForward(element, block.x, m_master + at.inputNorm, block.h1, block.rstd1, count, shape.hidden,
                       m_options.rmsEps, stream());
        m_gemm->forward(block.qkv, block.h1, weight(at.qkv), nullptr,
                        {count, shape.hidden, shape.qkvWidth()});
        attend(l);
        m_gemm->forward(block.mid, block.attentionOut, weight(at.output), block.x,
                        {count, shape.attentionWidth(), shape.hidden});
        if (!training) m_bridge->release(l);
        rmsNormForward(element, block.mid, m_master + at.postNorm, block.h2, block.rstd2, count, shape.hidden,
                       m_options.rmsEps, stream());
        m_gemm->forward(block.gateUp, block.h2, weight(at.gateUp), nullptr,
                        {count, shape.hidden, 2 * shape.intermediate});
        swigluForward(element, block.gateUp, block.swiglu, count, shape.intermediate, stream());
        m_gemm->forward(next, block.swiglu, weight(at.down), block.mid,
                        {count, shape.intermediate, shape.hidden});
    }
    rmsNormForward(element, m_last, m_master + m_space.finalNorm(), m_final, m_rstdFinal, count, shape.hidden,
                   m_options.rmsEps, stream());
}

// Logits exist for one chunk of tokens at a time and turn into their own gradient.
void Engine::headLoss(bool training, bool first) {
    const auto& shape = m_options.shape;
    const auto size = bytesOf(m_options.element);
    const auto count = tokens();
    for (std::int64_t begin = 0; begin < count; begin += m_logitTokens) {
        const auto part = std::min(m_logitTokens, count - begin);
        const Gemm::Shape product{part, shape.hidden, shape.vocab};
        const auto rows = begin * shape.hidden * size;
        const void* const hidden = static_cast<const char*>(m_final) + rows;
        m_gemm->forward(m_logits, hidden, weight(m_space.head()), nullptr, product);
        const auto* const labels = m_inputs + count + begin;
        if (training && m_teacher) {
            m_teacher->m_gemm->forward(m_teacher->m_logits,
                                       static_cast<const char*>(m_teacher->m_final) + rows,
                                       m_teacher->weight(m_space.head()), nullptr, product);
            distillLoss(m_options.element, m_logits, m_teacher->m_logits, labels, m_losses + begin,
                        m_divergences + begin, part, shape.vocab, m_options.distillation,
                        &m_control->gradientScale, stream());
        } else {
            crossEntropy(m_options.element, m_logits, labels, m_losses + begin, part, shape.vocab,
                         training ? &m_control->gradientScale : nullptr, stream());
        }
        if (!training) continue;
        m_gemm->inputGradient(static_cast<char*>(m_dHidden) + rows, m_logits, weight(m_space.head()),
                              product);
        m_gemm->weightGradient(m_gradient + m_space.head(), m_logits, hidden, product,
                               !(first && begin == 0));
    }
    sumLoss(m_losses, count, m_lossSum, stream());
    if (training && m_teacher) sumLoss(m_divergences, count, m_lossSum + 1, stream());
}

void Engine::attendBackward(std::size_t layer, const void* dOut) {
    auto& block = m_blocks[layer];
    const auto& at = block.at;
    const auto in = attentionInput(block);
    TorchBridge::Gradients gradients{m_dq, m_dk, m_dv};
    if (m_library == TorchBridge::Library::None) {
        attentionBackward(m_options.element, in, block.attentionOut, block.logSumExp, dOut, m_dq, m_dk, m_dv,
                          m_heads, m_attentionScale, stream());
    } else {
        gradients = m_bridge->attentionBackward(layer, in, dOut, m_heads, m_attentionScale);
    }
    if (m_options.shape.qkNorm) {
        ropeNormBackward(m_options.element, block.qkv, m_master + at.qNorm, m_master + at.kNorm, gradients.dq,
                         gradients.dk, gradients.dv, m_dQkv, m_partial, m_cosines, m_sines, m_heads,
                         m_options.rmsEps, stream());
    } else {
        ropeBackward(m_options.element, gradients.dq, gradients.dk, gradients.dv, m_dQkv, m_cosines, m_sines,
                     m_heads, stream());
    }
}

void Engine::backward(bool first) {
    const auto& shape = m_options.shape;
    const auto element = m_options.element;
    const auto count = tokens();
    const auto dim = std::int64_t(shape.headDim);
    const auto normBackward = [&](const void* x, std::int64_t norm, const float* rstd, const void* residual) {
        rmsNormBackward(element, m_dHidden, x, m_master + norm, rstd, residual, m_dResidual, m_partial, count,
                        shape.hidden, stream());
        reducePartials(m_partial, m_gradient + norm, shape.hidden, shape.hidden, !first, stream());
    };
    normBackward(m_last, m_space.finalNorm(), m_rstdFinal, nullptr);
    for (std::size_t l = m_blocks.size(); l-- > 0;) {
        auto& block = m_blocks[l];
        const auto& at = block.at;
        const Gemm::Shape down{count, shape.intermediate, shape.hidden};
        m_gemm->inputGradient(m_dSwiglu, m_dResidual, weight(at.down), down);
        if (m_options.recomputeSwiglu) {
            swigluBackward(element, block.gateUp, m_dSwiglu, block.swiglu, count, shape.intermediate,
                           stream());
            m_gemm->weightGradient(m_gradient + at.down, m_dResidual, block.swiglu, down, !first);
        } else {
            m_gemm->weightGradient(m_gradient + at.down, m_dResidual, block.swiglu, down, !first);
            swigluBackward(element, block.gateUp, m_dSwiglu, nullptr, count, shape.intermediate, stream());
        }
        const Gemm::Shape gateUp{count, shape.hidden, 2 * shape.intermediate};
        m_gemm->inputGradient(m_dHidden, block.gateUp, weight(at.gateUp), gateUp);
        m_gemm->weightGradient(m_gradient + at.gateUp, block.gateUp, block.h2, gateUp, !first);
        normBackward(block.mid, at.postNorm, block.rstd2, m_dResidual);

        const Gemm::Shape output{count, shape.attentionWidth(), shape.hidden};
        m_gemm->inputGradient(m_dHidden, m_dResidual, weight(at.output), output);
        m_gemm->weightGradient(m_gradient + at.output, m_dResidual, block.attentionOut, output, !first);
        attendBackward(l, m_dHidden);
        m_bridge->release(l);
        if (shape.qkNorm) {
            reducePartials(m_partial, m_gradient + at.qNorm, dim, 2 * dim, !first, stream());
            reducePartials(m_partial + dim, m_gradient + at.kNorm, dim, 2 * dim, !first, stream());
        }
        const Gemm::Shape qkv{count, shape.hidden, shape.qkvWidth()};
        m_gemm->inputGradient(m_dHidden, m_dQkv, weight(at.qkv), qkv);
        m_gemm->weightGradient(m_gradient + at.qkv, m_dQkv, block.h1, qkv, !first);
        normBackward(block.x, at.inputNorm, block.rstd1, m_dResidual);
    }
    embedBackward(element, m_inputs, m_inputs + 2 * count, m_dResidual, m_gradient + m_space.embedding(),
                  count, shape.hidden, stream());
}

void Engine::microStep(bool first) {
    // A tied head's gradient product writes the embedding's; otherwise only the scattered rows would be.
    if (first && !m_options.shape.tied)
        check(cudaMemsetAsync(m_gradient + m_space.embedding(), 0,
                              std::size_t(m_options.shape.vocab * m_options.shape.hidden * 4), stream()),
              "clearing a gradient");
    if (m_teacher) m_teacher->forward(false);
    forward(true);
    headLoss(true, first);
    backward(first);
    check(cudaGetLastError(), "launching a micro-step");
}

// ── the end of a step ────────────────────────────────────────────────────────────────────────────────────

void Engine::quantizeAll(bool wanted) {
    check(cudaMemsetAsync(m_accumulators, 0, std::size_t(m_accumulatorBytes), stream()), "clearing sums");
    adamwUpdate(m_options.element, m_chunks, std::int64_t(m_chunkList.size()), m_master, m_gradient,
                m_moment1, m_moment2, m_weights, m_maxBits, m_control, m_options.adam, wanted, stream());
    if (m_quantized.empty()) return;
    QuantState state;
    state.matrices = m_matrices;
    state.matrixCount = std::int64_t(m_quantized.size());
    state.tensorChunks = m_tensorChunks;
    state.tensorChunkCount = std::int64_t(m_tensorChunkList.size());
    state.groupChunks = m_groupChunks;
    state.groupChunkCount = std::int64_t(m_groupChunkList.size());
    state.master = m_master;
    state.weights = m_weights;
    state.codes = m_codes;
    state.scales = m_scales;
    state.maxBits = m_maxBits;
    state.sums = m_sums;
    state.metrics = m_metrics;
    state.control = m_control;
    quantize(m_options.element, state, m_maxStages, stream());
}

void Engine::update(bool wanted) {
    if (wanted) {
        gradientSquares(m_gradient, m_space.elements(), m_squares, stream());
        decideStep(m_squares, m_lossSum, m_control, m_options.adam, stream());
    }
    quantizeAll(wanted);
    check(cudaGetLastError(), "launching the optimiser");
}

void Engine::refresh() {
    update(false);
    if (m_teacher) m_teacher->refresh();
    m_quantizedOnce = true;
    synchronize();
}

void Engine::prepare() {
    if (m_prepared) return;
    if (!m_options.trainable) throw Failure("an engine for evaluation cannot train");
    if (!m_quantizedOnce) refresh();
    // One eager run of each kind of micro-step chooses the algorithms; its gradients are thrown away.
    microStep(true);
    if (m_options.accumulates) microStep(false);
    // The kernels of the finish are loaded before they are captured; what they decide is undone.
    const auto control = readControl();
    gradientSquares(m_gradient, m_space.elements(), m_squares, stream());
    decideStep(m_squares, m_lossSum, m_control, m_options.adam, stream());
    upload(&control, m_control, sizeof control);
    m_bridge->emptyCache();
    m_firstGraph = m_bridge->capture([this] { microStep(true); });
    if (m_options.accumulates) m_laterGraph = m_bridge->capture([this] { microStep(false); });
    m_finishGraph = m_bridge->capture([this] {
        update(true);
        check(cudaMemcpyAsync(&m_pinned->control, m_control, sizeof(StepControl), cudaMemcpyDeviceToHost,
                              stream()),
              "metrics");
        if (!m_quantized.empty())
            check(cudaMemcpyAsync(m_pinnedMetrics, m_metrics, m_quantized.size() * sizeof(MatrixMetrics),
                                  cudaMemcpyDeviceToHost, stream()),
                  "metrics");
    });
    check(cudaMemsetAsync(m_lossSum, 0, 2 * sizeof(LossSum), stream()), "clearing the loss");
    m_microSteps = 0;
    m_prepared = true;
}

void Engine::accumulate(const std::int32_t* ids, std::int64_t rows, std::int64_t length, double share) {
    stage(ids, rows, length);
    if (!m_prepared) prepare();
    const bool first = m_microSteps == 0;
    if (!first && !m_options.accumulates) throw Failure("this engine was made for one micro-step a step");
    const float scale = float(share / double(m_scored));
    check(cudaMemcpyAsync(&m_control->gradientScale, &scale, sizeof scale, cudaMemcpyHostToDevice, stream()),
          "upload");
    m_bridge->replay(first ? m_firstGraph : m_laterGraph);
    ++m_microSteps;
}

Engine::Losses Engine::lastLoss() {
    check(cudaMemcpyAsync(m_pinned->loss, m_lossSum, sizeof m_pinned->loss, cudaMemcpyDeviceToHost, stream()),
          "the loss");
    synchronize();
    return {m_pinned->loss[0].last, m_pinned->loss[1].last};
}

void Engine::finish(float learningRate, float clipNorm, float lambda) {
    if (m_microSteps == 0) throw Failure("a step without a micro-step");
    const float fromHost[3] = {learningRate, clipNorm, lambda};
    static_assert(offsetof(StepControl, learningRate) == 0 && offsetof(StepControl, lambda) == 8);
    check(cudaMemcpyAsync(m_control, fromHost, sizeof fromHost, cudaMemcpyHostToDevice, stream()), "upload");
    m_bridge->replay(m_finishGraph);
    m_microSteps = 0;
}

const StepReport& Engine::report() {
    synchronize();
    m_report.control = m_pinned->control;
    std::copy_n(m_pinnedMetrics, m_quantized.size(), m_report.matrices.begin());
    return m_report;
}

void Engine::evaluate(const std::int32_t* ids, std::int64_t rows, std::int64_t length, double* losses) {
    if (!m_quantizedOnce) refresh();
    const auto width = m_options.sequence;
    std::vector<float> each(static_cast<std::size_t>(tokens()));
    const LossSum kept = m_microSteps > 0 ? (static_cast<void>(lastLoss()), m_pinned->loss[0]) : LossSum{};
    for (std::int64_t done = 0; done < rows; done += m_options.rows) {
        const auto part = std::min(m_options.rows, rows - done);
        stage(ids + done * length, part, length);
        forward(false);
        headLoss(false, false);
        check(cudaGetLastError(), "launching an evaluation");
        check(cudaMemcpyAsync(each.data(), m_losses, each.size() * 4, cudaMemcpyDeviceToHost, stream()),
              "the loss");
        synchronize();
        for (std::int64_t row = 0; row < part; ++row)
            losses[done + row] =
                std::accumulate(each.begin() + row * width, each.begin() + (row + 1) * width, 0.0);
    }
    upload(&kept, m_lossSum, sizeof kept);
}

std::uint64_t Engine::deviceBytes() const {
    return std::uint64_t(m_arenaBytes + (m_teacher ? m_teacher->m_arenaBytes : 0)) +
           m_bridge->reservedBytes();
}

} // namespace fairy2::gpu
