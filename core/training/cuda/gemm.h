// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "kernels/kernels.h"

#include <map>
#include <memory>
#include <tuple>

namespace fairy2::gpu {

/// The three matrix products of a linear layer y = x·Wᵀ through cuBLASLt; x: tokens × in, W: out × in,
/// row-major. Products of fp32 elements are fp32 throughout (no TF32). The first product of each shape times
/// the library's candidates and keeps the fastest: make it before a graph is captured.
class Gemm {
public:
    static constexpr std::int64_t kWorkspace = std::int64_t(64) << 20;

    /// workspace: kWorkspace bytes of device memory used on `stream` alone. Without `tune` the library's
    /// first suggestion is taken, so that every run computes with the same algorithms.
    Gemm(Element element, void* workspace, cudaStream_t stream, bool tune);
    ~Gemm();
    Gemm(const Gemm&) = delete;
    Gemm& operator=(const Gemm&) = delete;

    struct Shape {
        std::int64_t tokens = 0;
        std::int64_t in = 0;
        std::int64_t out = 0;
    };
    /// y = x·Wᵀ + add (add may be null).
    void forward(void* y, const void* x, const void* weight, const void* add, const Shape& shape);
    /// dx = dy·W
    void inputGradient(void* dx, const void* dy, const void* weight, const Shape& shape);
    /// dW = dyᵀ·x (+ dW), fp32
    void weightGradient(float* dWeight, const void* dy, const void* x, const Shape& shape, bool accumulate);

    [[nodiscard]] double tuningSeconds() const noexcept { return m_tuningSeconds; }

private:
    struct Plan;
    struct Product {
        bool transposeA = false, transposeB = false, floatOut = false, add = false;
        std::int64_t m = 0, n = 0, k = 0, lda = 0, ldb = 0, ldc = 0; ///< column-major, as the library counts
        using Key = std::tuple<bool, bool, bool, bool, std::int64_t, std::int64_t, std::int64_t>;
        [[nodiscard]] Key key() const noexcept { return {transposeA, transposeB, floatOut, add, m, n, k}; }
    };
    void run(const Product& product, const void* a, const void* b, const void* c, void* d);
    std::unique_ptr<Plan> makePlan(const Product& product, const void* a, const void* b, const void* c,
                                   void* d);

    Element m_element;
    void* m_workspace;
    cudaStream_t m_stream;
    bool m_tune;
    void* m_handle = nullptr;
    double m_tuningSeconds = 0;
    std::map<Product::Key, std::unique_ptr<Plan>> m_plans;
};

} // namespace fairy2::gpu
