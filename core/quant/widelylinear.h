// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/result.h"

#include <cstdint>
#include <span>
#include <vector>

namespace fairy2::quant {

/// A dense row-major real matrix that somebody else owns: rows × cols fp32.
struct MatrixView {
    const float* data = nullptr;
    std::int64_t rows = 0;
    std::int64_t cols = 0;
};

/// A complex matrix as two planes of fp32, row-major, rows × cols each.
struct ComplexMatrix {
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    std::vector<float> re;
    std::vector<float> im;
};

/// The widely-linear form y = U x + W conj(x) of a real 2n×2m matrix; U and W are n×m.
struct WidelyLinear {
    ComplexMatrix u;
    ComplexMatrix w;
};

/// BadInput unless A has an even, positive number of rows and of columns.
[[nodiscard]] base::Result<void> checkHalves(MatrixView a);

/// Splits A (even rows and columns, else BadInput) in halves:
/// Re U=½(A11+A22), Im U=½(A21−A12), Re W=½(A11−A22), Im W=½(A12+A21). Fairy2i §3; DESIGN §4.
[[nodiscard]] base::Result<WidelyLinear> toWidelyLinear(MatrixView a);

/// The inverse: A11=Re U+Re W, A12=Im W−Im U, A21=Im U+Im W, A22=Re U−Re W, 2n×2m row-major.
[[nodiscard]] std::vector<float> toReal(const WidelyLinear& form);

/// Entries of U and W at complex (row, col) of a real matrix, in double: the formula of record.
struct WidelyLinearEntry {
    double uRe, uIm, wRe, wIm;
};
[[nodiscard]] WidelyLinearEntry widelyLinearAt(MatrixView a, std::int64_t row, std::int64_t col) noexcept;

} // namespace fairy2::quant
