// SPDX-License-Identifier: Apache-2.0
#include "infer/linear.h"

#include "base/threads.h"
#include "infer/kernels.h"

#include <algorithm>
#include <cblas.h>
#include <cmath>
#include <mutex>

namespace fairy2::infer {
namespace {

constexpr std::int64_t kRowsPerPart = 512;
// Starting a thread costs some 20 µs; below this many multiplications it does not pay.
constexpr std::int64_t kWorthThreads = std::int64_t{1} << 22;

blasint asBlas(std::int64_t value) {
    return static_cast<blasint>(value);
}

// y (row stride yStride) = x·Wᵀ of `rows` rows of W.
void multiplyPart(const float* w, std::int64_t rows, std::int64_t cols, const float* x, std::int64_t count,
                  float* y, std::int64_t yStride, float beta) {
    if (count == 1) {
        cblas_sgemv(CblasRowMajor, CblasNoTrans, asBlas(rows), asBlas(cols), 1.0F, w, asBlas(cols), x, 1,
                    beta, y, 1);
        return;
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, asBlas(count), asBlas(rows), asBlas(cols), 1.0F, x,
                asBlas(cols), w, asBlas(cols), beta, y, asBlas(yStride));
}

void multiplyAll(const float* w, std::int64_t rows, std::int64_t cols, const float* x, std::int64_t count,
                 float* y, float beta, int threads) {
    if (threads == 1 || rows * cols * count < kWorthThreads)
        return multiplyPart(w, rows, cols, x, count, y, rows, beta);
    const auto parts = (rows + kRowsPerPart - 1) / kRowsPerPart;
    base::parallelFor(
        parts,
        [&](std::int64_t part) {
            const auto first = part * kRowsPerPart;
            multiplyPart(w + first * cols, std::min(kRowsPerPart, rows - first), cols, x, count, y + first,
                         rows, beta);
        },
        threads);
}

} // namespace

void multiply(const Matrix& w, const float* x, std::int64_t count, float* y, bool add, int threads) {
    multiplyAll(w.values.data(), w.rows, w.cols, x, count, y, add ? 1.0F : 0.0F, threads);
}

void multiplyRows(const Matrix& w, std::int64_t firstRow, std::int64_t rows, const float* x,
                  std::int64_t count, float* y, int threads) {
    multiplyAll(w.values.data() + firstRow * w.cols, rows, w.cols, x, count, y, 0.0F, threads);
}

void attend(const AttentionRows& a, std::vector<float>& scores) {
    const auto longest = a.visible + (a.count - 1) * a.step;
    scores.resize(static_cast<std::size_t>(a.count * longest));
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, asBlas(a.count), asBlas(longest), asBlas(a.headDim),
                1.0F, a.q, asBlas(a.qStride), a.keys, asBlas(a.stride), 0.0F, scores.data(), asBlas(longest));
    const float scale = 1.0F / std::sqrt(static_cast<float>(a.headDim));
    for (std::int64_t i = 0; i < a.count; ++i) {
        float* row = scores.data() + i * longest;
        const auto visible = a.visible + i * a.step;
        softmax(row, visible, scale);
        std::fill(row + visible, row + longest, 0.0F);
    }
    cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, asBlas(a.count), asBlas(a.headDim),
                asBlas(longest), 1.0F, scores.data(), asBlas(longest), a.values, asBlas(a.stride), 0.0F,
                a.out, asBlas(a.qStride));
}

void useOneBlasThread() {
    static std::once_flag once;
    std::call_once(once, [] { openblas_set_num_threads(1); });
}

} // namespace fairy2::infer
