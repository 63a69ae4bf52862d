// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace fairy2::gpu {

/// What the engine takes from LibTorch: a stream, graphs whose allocations are kept, and the attention of its
/// libraries. The one file behind it is the only one of the module that includes torch headers.
class TorchBridge {
public:
    explicit TorchBridge(int device, bool deterministic);
    ~TorchBridge();
    TorchBridge(const TorchBridge&) = delete;
    TorchBridge& operator=(const TorchBridge&) = delete;

    [[nodiscard]] cudaStream_t stream() const noexcept;

    enum class Library { None, Cudnn, Flash };
    /// Times forward + backward of this shape (bf16) with each library, prefers the fastest and remembers it.
    /// None when the shape suits no library.
    Library chooseLibrary(const HeadShape& shape, float scale);
    void setLibrary(Library library) noexcept { m_library = library; }
    [[nodiscard]] static const char* name(Library library) noexcept;

    /// Causal attention in bf16; the result (tokens × heads·dim) lives until release(slot).
    const void* attentionForward(std::size_t slot, const AttentionInput& in, const HeadShape& shape,
                                 float scale);
    struct Gradients {
        const void* dq = nullptr; ///< tokens × heads·dim
        const void* dk = nullptr; ///< tokens × kvHeads·dim
        const void* dv = nullptr;
    };
    /// The gradients live until the next call of attentionBackward or release.
    Gradients attentionBackward(std::size_t slot, const AttentionInput& in, const void* dOut,
                                const HeadShape& shape, float scale);
    void release(std::size_t slot);
    /// Gives back what eager runs took, before graphs take their own.
    void emptyCache();
    /// Bytes that LibTorch's allocator holds now, and at most since the last emptyCache().
    [[nodiscard]] std::uint64_t reservedBytes() const;

    /// Runs work() on the stream, capturing it; replay(index) repeats it.
    std::size_t capture(const std::function<void()>& work);
    void replay(std::size_t graph);

private:
    struct State;
    std::unique_ptr<State> m_state;
    Library m_library = Library::None;
};

} // namespace fairy2::gpu
