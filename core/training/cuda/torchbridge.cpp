// SPDX-License-Identifier: Apache-2.0
#include "torchbridge.h"

#include "check.h"

#include <ATen/Context.h>
#include <ATen/cuda/CUDAGraph.h>
#include <ATen/ops/_scaled_dot_product_cudnn_attention.h>
#include <ATen/ops/_scaled_dot_product_cudnn_attention_backward.h>
#include <ATen/ops/_scaled_dot_product_flash_attention.h>
#include <ATen/ops/_scaled_dot_product_flash_attention_backward.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/randn.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAGuard.h>
#include <c10/cuda/CUDAStream.h>

namespace fairy2::gpu {
namespace {

/// What the backward needs of a forward.
struct Saved {
    at::Tensor out, logSumExp, cumulativeQ, cumulativeK, seed, offset;
    std::int64_t maxQ = 0, maxK = 0;
};

at::Tensor view(const void* data, std::int64_t stride, int heads, const HeadShape& shape, int device) {
    const auto batch = shape.tokens / shape.sequence;
    return at::from_blob(
        const_cast<void*>(data), {batch, heads, shape.sequence, shape.dim},
        {shape.sequence * stride, shape.dim, stride, 1}, [](void*) {},
        at::TensorOptions().dtype(at::kBFloat16).device(at::kCUDA, device),
        at::Device(at::kCUDA, static_cast<c10::DeviceIndex>(device)));
}

// Rows of tokens × heads·dim, whatever layout the library chose.
at::Tensor tokenRows(const at::Tensor& headsFirst) {
    return headsFirst.transpose(1, 2).contiguous();
}

Saved forward(TorchBridge::Library library, const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
              float scale) {
    Saved saved;
    if (library == TorchBridge::Library::Cudnn) {
        auto r = at::_scaled_dot_product_cudnn_attention(q, k, v, {}, true, 0.0, true, false, double(scale));
        saved = {std::get<0>(r),
                 std::get<1>(r),
                 std::get<2>(r),
                 std::get<3>(r),
                 std::get<6>(r),
                 std::get<7>(r),
                 std::get<4>(r).expect_int(),
                 std::get<5>(r).expect_int()};
    } else {
        auto r = at::_scaled_dot_product_flash_attention(q, k, v, 0.0, true, false, double(scale));
        saved = {std::get<0>(r),
                 std::get<1>(r),
                 std::get<2>(r),
                 std::get<3>(r),
                 std::get<6>(r),
                 std::get<7>(r),
                 std::get<4>(r).expect_int(),
                 std::get<5>(r).expect_int()};
    }
    return saved;
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> backward(TorchBridge::Library library, const Saved& saved,
                                                        const at::Tensor& dOut, const at::Tensor& q,
                                                        const at::Tensor& k, const at::Tensor& v,
                                                        float scale) {
    if (library == TorchBridge::Library::Cudnn)
        return at::_scaled_dot_product_cudnn_attention_backward(
            dOut, q, k, v, saved.out, saved.logSumExp, saved.seed, saved.offset, at::Tensor(),
            saved.cumulativeQ, saved.cumulativeK, saved.maxQ, saved.maxK, 0.0, true, double(scale));
    return at::_scaled_dot_product_flash_attention_backward(
        dOut, q, k, v, saved.out, saved.logSumExp, saved.cumulativeQ, saved.cumulativeK, saved.maxQ,
        saved.maxK, 0.0, true, saved.seed, saved.offset, double(scale));
}

} // namespace

struct TorchBridge::State {
    int device = 0;
    bool deterministic = false;
    c10::cuda::CUDAStream stream;
    std::vector<Saved> slots;
    at::Tensor dq, dk, dv;
    std::vector<std::unique_ptr<at::cuda::CUDAGraph>> graphs;

    State(int on, bool repeatable)
        : device(on), deterministic(repeatable),
          stream(c10::cuda::getStreamFromPool(true, static_cast<c10::DeviceIndex>(on))) {}
};

TorchBridge::TorchBridge(int device, bool deterministic) {
    at::globalContext().lazyInitDevice(at::kCUDA);
    // Not only a warning: flash attention asks for the strict form before it computes repeatably.
    at::globalContext().setDeterministicAlgorithms(deterministic, false);
    at::globalContext().setDeterministicFillUninitializedMemory(false);
    c10::cuda::set_device(static_cast<c10::DeviceIndex>(device));
    m_state = std::make_unique<State>(device, deterministic);
}

TorchBridge::~TorchBridge() = default;

cudaStream_t TorchBridge::stream() const noexcept {
    return m_state->stream.stream();
}

const char* TorchBridge::name(Library library) noexcept {
    switch (library) {
    case Library::Cudnn:
        return "cudnn";
    case Library::Flash:
        return "flash";
    case Library::None:
        break;
    }
    return "own";
}

TorchBridge::Library TorchBridge::chooseLibrary(const HeadShape& shape, float scale) {
    m_library = Library::None;
    if (shape.dim < 32 || shape.dim > 128 || shape.dim % 8 != 0) return m_library;
    const c10::cuda::CUDAStreamGuard guard(m_state->stream);
    const auto options = at::TensorOptions()
                             .dtype(at::kBFloat16)
                             .device(at::kCUDA, static_cast<c10::DeviceIndex>(m_state->device));
    const auto row = shape.rowWidth();
    const auto qkv = at::randn({shape.tokens, row}, options);
    const auto dOutRows = at::randn({shape.tokens, std::int64_t(shape.heads) * shape.dim}, options);
    const auto at = [&](std::int64_t column) {
        return static_cast<const char*>(qkv.const_data_ptr()) + column * shape.dim * 2;
    };
    const auto q = view(at(0), row, shape.heads, shape, m_state->device);
    const auto k = view(at(shape.heads), row, shape.kvHeads, shape, m_state->device);
    const auto v = view(at(shape.heads + shape.kvHeads), row, shape.kvHeads, shape, m_state->device);
    const auto dOut = view(dOutRows.const_data_ptr(), std::int64_t(shape.heads) * shape.dim, shape.heads,
                           shape, m_state->device);
    float best = 1e30F;
    cudaEvent_t begin = nullptr, end = nullptr;
    check(cudaEventCreate(&begin), "cudaEventCreate");
    check(cudaEventCreate(&end), "cudaEventCreate");
    for (const auto library : {Library::Cudnn, Library::Flash}) {
        // cuDNN has no repeatable backward of attention for every shape; flash has.
        if (m_state->deterministic && library == Library::Cudnn) continue;
        try {
            float milliseconds = 0;
            for (int turn = 0; turn < 2; ++turn) {
                cudaEventRecord(begin, stream());
                for (int r = 0; r < 3; ++r) {
                    const auto saved = forward(library, q, k, v, scale);
                    static_cast<void>(backward(library, saved, dOut, q, k, v, scale));
                }
                cudaEventRecord(end, stream());
                check(cudaEventSynchronize(end), "timing attention");
                cudaEventElapsedTime(&milliseconds, begin, end);
            }
            if (milliseconds < best) {
                best = milliseconds;
                m_library = library;
            }
        } catch (const c10::Error&) {
            static_cast<void>(cudaGetLastError()); // this library does not take the shape; the next may
        }
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    return m_library;
}

const void* TorchBridge::attentionForward(std::size_t slot, const AttentionInput& in, const HeadShape& shape,
                                          float scale) {
    const c10::cuda::CUDAStreamGuard guard(m_state->stream);
    const int device = m_state->device;
    if (m_state->slots.size() <= slot) m_state->slots.resize(slot + 1);
    auto& saved = m_state->slots[slot];
    saved = forward(m_library, view(in.q, in.qStride, shape.heads, shape, device),
                    view(in.k, in.kStride, shape.kvHeads, shape, device),
                    view(in.v, in.vStride, shape.kvHeads, shape, device), scale);
    saved.out = tokenRows(saved.out).transpose(1, 2);
    return saved.out.const_data_ptr();
}

TorchBridge::Gradients TorchBridge::attentionBackward(std::size_t slot, const AttentionInput& in,
                                                      const void* dOut, const HeadShape& shape, float scale) {
    const c10::cuda::CUDAStreamGuard guard(m_state->stream);
    const int device = m_state->device;
    m_state->dq = m_state->dk = m_state->dv = at::Tensor();
    const auto [dq, dk, dv] =
        backward(m_library, m_state->slots[slot],
                 view(dOut, std::int64_t(shape.heads) * shape.dim, shape.heads, shape, device),
                 view(in.q, in.qStride, shape.heads, shape, device),
                 view(in.k, in.kStride, shape.kvHeads, shape, device),
                 view(in.v, in.vStride, shape.kvHeads, shape, device), scale);
    m_state->dq = tokenRows(dq);
    m_state->dk = tokenRows(dk);
    m_state->dv = tokenRows(dv);
    return {m_state->dq.const_data_ptr(), m_state->dk.const_data_ptr(), m_state->dv.const_data_ptr()};
}

void TorchBridge::release(std::size_t slot) {
    const c10::cuda::CUDAStreamGuard guard(m_state->stream);
    m_state->dq = m_state->dk = m_state->dv = at::Tensor();
    if (slot < m_state->slots.size()) m_state->slots[slot] = {};
}

void TorchBridge::emptyCache() {
    check(cudaStreamSynchronize(stream()), "emptying the cache");
    c10::cuda::CUDACachingAllocator::emptyCache();
}

std::uint64_t TorchBridge::reservedBytes() const {
    const auto stats =
        c10::cuda::CUDACachingAllocator::getDeviceStats(static_cast<c10::DeviceIndex>(m_state->device));
    return std::uint64_t(
        stats.reserved_bytes[static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE)].current);
}

std::size_t TorchBridge::capture(const std::function<void()>& work) {
    const c10::cuda::CUDAStreamGuard guard(m_state->stream);
    auto graph = std::make_unique<at::cuda::CUDAGraph>();
    // Graphs run one after the other, so they share the memory of their intermediate results.
    const auto pool = m_state->graphs.empty() ? at::cuda::MempoolId_t{0, 0} : m_state->graphs.front()->pool();
    graph->capture_begin(pool, cudaStreamCaptureModeThreadLocal);
    try {
        work();
    } catch (...) {
        try {
            graph->capture_end();
        } catch (const std::exception&) { // the first failure is the one to report
        }
        throw;
    }
    graph->capture_end();
    m_state->graphs.push_back(std::move(graph));
    return m_state->graphs.size() - 1;
}

void TorchBridge::replay(std::size_t graph) {
    const c10::cuda::CUDAStreamGuard guard(m_state->stream);
    m_state->graphs[graph]->replay();
}

} // namespace fairy2::gpu
