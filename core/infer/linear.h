// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <vector>

namespace fairy2::infer {

/// The weight of a linear layer, rows (outputs) × cols (inputs), row-major fp32.
struct Matrix {
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    std::vector<float> values;
};

/// y = x·Wᵀ for `count` rows of x, with the rows [firstRow, firstRow + rows) of W; y has `rows` columns.
/// add: y += instead. The split over threads does not depend on their number, so neither does the result.
void multiply(const Matrix& w, const float* x, std::int64_t count, float* y, bool add, int threads);
void multiplyRows(const Matrix& w, std::int64_t firstRow, std::int64_t rows, const float* x,
                  std::int64_t count, float* y, int threads);

/// Causal attention of one head-group over keys and values that lie `stride` floats apart:
/// out[i] = softmax(scale · q[i]·K[0..visible0 + i·step))·V. q and out rows are qStride apart.
struct AttentionRows {
    const float* q;
    float* out;
    std::int64_t qStride;
    std::int64_t count;
    const float* keys;
    const float* values;
    std::int64_t stride;
    std::int64_t headDim;
    std::int64_t visible; ///< keys that the first row sees
    std::int64_t step;    ///< further keys that each following row sees: 1 for a sequence, 0 for heads
};
void attend(const AttentionRows& rows, std::vector<float>& scores);

/// OpenBLAS computes in the calling thread only: we divide the work ourselves, into independent rows.
void useOneBlasThread();

} // namespace fairy2::infer
