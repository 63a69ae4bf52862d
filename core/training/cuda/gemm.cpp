// SPDX-License-Identifier: Apache-2.0
#include "gemm.h"

#include "check.h"

#include <chrono>
#include <cublasLt.h>
#include <limits>
#include <vector>

namespace fairy2::gpu {
namespace {

void check(cublasStatus_t status, const char* what) {
    if (status != CUBLAS_STATUS_SUCCESS)
        throw Failure(std::string(what) + ": cuBLAS status " + std::to_string(int(status)));
}

constexpr int kCandidates = 24;
constexpr int kRepetitions = 4;

} // namespace

struct Gemm::Plan {
    cublasLtMatmulDesc_t operation = nullptr;
    cublasLtMatrixLayout_t a = nullptr, b = nullptr, c = nullptr;
    cublasLtMatmulAlgo_t algorithm{};

    Plan() = default;
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;
    ~Plan() {
        cublasLtMatrixLayoutDestroy(c);
        cublasLtMatrixLayoutDestroy(b);
        cublasLtMatrixLayoutDestroy(a);
        cublasLtMatmulDescDestroy(operation);
    }
};

Gemm::Gemm(Element element, void* workspace, cudaStream_t stream, bool tune)
    : m_element(element), m_workspace(workspace), m_stream(stream), m_tune(tune) {
    cublasLtHandle_t handle = nullptr;
    check(cublasLtCreate(&handle), "cublasLtCreate");
    m_handle = handle;
}

Gemm::~Gemm() {
    m_plans.clear();
    cublasLtDestroy(static_cast<cublasLtHandle_t>(m_handle));
}

// Row-major tokens × width is column-major width × tokens, so every product is asked for transposed.
void Gemm::forward(void* y, const void* x, const void* weight, const void* add, const Shape& shape) {
    Product product;
    product.transposeA = true;
    product.add = add != nullptr;
    product.m = shape.out;
    product.n = shape.tokens;
    product.k = shape.in;
    product.lda = product.ldb = shape.in;
    product.ldc = shape.out;
    run(product, weight, x, add, y);
}

void Gemm::inputGradient(void* dx, const void* dy, const void* weight, const Shape& shape) {
    Product product;
    product.m = shape.in;
    product.n = shape.tokens;
    product.k = shape.out;
    product.lda = product.ldc = shape.in;
    product.ldb = shape.out;
    run(product, weight, dy, nullptr, dx);
}

void Gemm::weightGradient(float* dWeight, const void* dy, const void* x, const Shape& shape,
                          bool accumulate) {
    Product product;
    product.transposeB = true;
    product.floatOut = true;
    product.add = accumulate;
    product.m = shape.in;
    product.n = shape.out;
    product.k = shape.tokens;
    product.lda = product.ldc = shape.in;
    product.ldb = shape.out;
    run(product, x, dy, accumulate ? dWeight : nullptr, dWeight);
}

std::unique_ptr<Gemm::Plan> Gemm::makePlan(const Product& product, const void* a, const void* b,
                                           const void* c, void* d) {
    const auto handle = static_cast<cublasLtHandle_t>(m_handle);
    auto plan = std::make_unique<Plan>();
    const auto type = m_element == Element::F32 ? CUDA_R_32F : CUDA_R_16BF;
    const auto outType = product.floatOut ? CUDA_R_32F : type;
    check(cublasLtMatmulDescCreate(&plan->operation, CUBLAS_COMPUTE_32F, CUDA_R_32F),
          "cublasLtMatmulDescCreate");
    const cublasOperation_t opA = product.transposeA ? CUBLAS_OP_T : CUBLAS_OP_N;
    const cublasOperation_t opB = product.transposeB ? CUBLAS_OP_T : CUBLAS_OP_N;
    check(cublasLtMatmulDescSetAttribute(plan->operation, CUBLASLT_MATMUL_DESC_TRANSA, &opA, sizeof opA),
          "transA");
    check(cublasLtMatmulDescSetAttribute(plan->operation, CUBLASLT_MATMUL_DESC_TRANSB, &opB, sizeof opB),
          "transB");
    const auto layout = [](cublasLtMatrixLayout_t* to, cudaDataType_t of, std::int64_t rows,
                           std::int64_t cols, std::int64_t leading) {
        check(cublasLtMatrixLayoutCreate(to, of, std::uint64_t(rows), std::uint64_t(cols), leading),
              "cublasLtMatrixLayoutCreate");
    };
    layout(&plan->a, type, product.transposeA ? product.k : product.m,
           product.transposeA ? product.m : product.k, product.lda);
    layout(&plan->b, type, product.transposeB ? product.n : product.k,
           product.transposeB ? product.k : product.n, product.ldb);
    layout(&plan->c, outType, product.m, product.n, product.ldc);

    cublasLtMatmulPreference_t preference = nullptr;
    check(cublasLtMatmulPreferenceCreate(&preference), "cublasLtMatmulPreferenceCreate");
    const auto bytes = std::uint64_t(kWorkspace);
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, &bytes,
                                         sizeof bytes);
    // Split sums that meet through atomics would depend on their order.
    const std::uint32_t schemes =
        CUBLASLT_REDUCTION_SCHEME_MASK & ~std::uint32_t(CUBLASLT_REDUCTION_SCHEME_INPLACE);
    cublasLtMatmulPreferenceSetAttribute(preference, CUBLASLT_MATMUL_PREF_REDUCTION_SCHEME_MASK, &schemes,
                                         sizeof schemes);
    std::vector<cublasLtMatmulHeuristicResult_t> candidates(m_tune ? kCandidates : 1);
    int found = 0;
    const auto status =
        cublasLtMatmulAlgoGetHeuristic(handle, plan->operation, plan->a, plan->b, plan->c, plan->c,
                                       preference, int(candidates.size()), candidates.data(), &found);
    cublasLtMatmulPreferenceDestroy(preference);
    check(status, "cublasLtMatmulAlgoGetHeuristic");
    if (found == 0)
        throw Failure("cuBLAS has no algorithm for a product of " + std::to_string(product.m) + " × " +
                      std::to_string(product.n) + " × " + std::to_string(product.k));
    plan->algorithm = candidates[0].algo;
    if (found == 1) return plan;

    const float one = 1, beta = product.add ? 1.0F : 0.0F;
    const auto launch = [&](const cublasLtMatmulAlgo_t& algorithm) {
        return cublasLtMatmul(handle, plan->operation, &one, a, plan->a, b, plan->b, &beta,
                              c != nullptr ? c : d, plan->c, d, plan->c, &algorithm, m_workspace, kWorkspace,
                              m_stream);
    };
    cudaEvent_t begin = nullptr, end = nullptr;
    gpu::check(cudaEventCreate(&begin), "cudaEventCreate");
    gpu::check(cudaEventCreate(&end), "cudaEventCreate");
    float best = std::numeric_limits<float>::max();
    for (int i = 0; i < found; ++i) {
        if (launch(candidates[std::size_t(i)].algo) != CUBLAS_STATUS_SUCCESS) continue;
        cudaEventRecord(begin, m_stream);
        for (int r = 0; r < kRepetitions; ++r)
            launch(candidates[std::size_t(i)].algo);
        cudaEventRecord(end, m_stream);
        gpu::check(cudaEventSynchronize(end), "timing a matrix product");
        float milliseconds = 0;
        cudaEventElapsedTime(&milliseconds, begin, end);
        if (milliseconds < best) {
            best = milliseconds;
            plan->algorithm = candidates[std::size_t(i)].algo;
        }
    }
    cudaEventDestroy(begin);
    cudaEventDestroy(end);
    return plan;
}

void Gemm::run(const Product& product, const void* a, const void* b, const void* c, void* d) {
    auto& plan = m_plans[product.key()];
    if (!plan) {
        const auto begin = std::chrono::steady_clock::now();
        plan = makePlan(product, a, b, c, d);
        m_tuningSeconds += std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
    }
    const float one = 1, beta = product.add ? 1.0F : 0.0F;
    check(cublasLtMatmul(static_cast<cublasLtHandle_t>(m_handle), plan->operation, &one, a, plan->a, b,
                         plan->b, &beta, c != nullptr ? c : d, plan->c, d, plan->c, &plan->algorithm,
                         m_workspace, kWorkspace, m_stream),
          "cublasLtMatmul");
}

} // namespace fairy2::gpu
