// SPDX-License-Identifier: Apache-2.0
#include "quant/widelylinear.h"

#include <fmt/format.h>

namespace fairy2::quant {
namespace {

ComplexMatrix zeros(std::int64_t rows, std::int64_t cols) {
    const auto count = static_cast<std::size_t>(rows * cols);
    return {rows, cols, std::vector<float>(count), std::vector<float>(count)};
}

} // namespace

base::Result<void> checkHalves(MatrixView a) {
    if (a.rows <= 0 || a.cols <= 0)
        return base::badInput(fmt::format("the matrix is empty: {} × {}", a.rows, a.cols));
    if (a.rows % 2 == 0 && a.cols % 2 == 0) return {};
    const bool oddRows = a.rows % 2 != 0;
    return base::badInput(
        fmt::format("odd number of {}: {}", oddRows ? "rows" : "columns", oddRows ? a.rows : a.cols), {}, {},
        "the widely-linear form pairs halves: keep this layer in full precision");
}

base::Result<WidelyLinear> toWidelyLinear(MatrixView a) {
    FAIRY2_TRY(checkHalves(a));
    const auto n = a.rows / 2;
    const auto m = a.cols / 2;
    WidelyLinear form{zeros(n, m), zeros(n, m)};
    for (std::int64_t i = 0; i < n; ++i) {
        const float* top = a.data + i * a.cols;
        const float* bottom = a.data + (i + n) * a.cols;
        const auto row = static_cast<std::size_t>(i * m);
        for (std::int64_t j = 0; j < m; ++j) {
            // Halving first cannot overflow, and rounds the same.
            const float h11 = 0.5F * top[j];
            const float h12 = 0.5F * top[m + j];
            const float h21 = 0.5F * bottom[j];
            const float h22 = 0.5F * bottom[m + j];
            const auto k = row + static_cast<std::size_t>(j);
            form.u.re[k] = h11 + h22;
            form.u.im[k] = h21 - h12;
            form.w.re[k] = h11 - h22;
            form.w.im[k] = h12 + h21;
        }
    }
    return form;
}

std::vector<float> toReal(const WidelyLinear& form) {
    const auto n = form.u.rows;
    const auto m = form.u.cols;
    std::vector<float> a(static_cast<std::size_t>(4 * n * m));
    for (std::int64_t i = 0; i < n; ++i) {
        float* top = a.data() + i * 2 * m;
        float* bottom = a.data() + (i + n) * 2 * m;
        for (std::int64_t j = 0; j < m; ++j) {
            const auto k = static_cast<std::size_t>(i * m + j);
            top[j] = form.u.re[k] + form.w.re[k];
            top[m + j] = form.w.im[k] - form.u.im[k];
            bottom[j] = form.u.im[k] + form.w.im[k];
            bottom[m + j] = form.u.re[k] - form.w.re[k];
        }
    }
    return a;
}

WidelyLinearEntry widelyLinearAt(MatrixView a, std::int64_t row, std::int64_t col) noexcept {
    const auto n = a.rows / 2;
    const auto m = a.cols / 2;
    const auto at = [&](std::int64_t i, std::int64_t j) {
        return static_cast<double>(a.data[i * a.cols + j]);
    };
    const double a11 = at(row, col);
    const double a12 = at(row, col + m);
    const double a21 = at(row + n, col);
    const double a22 = at(row + n, col + m);
    return {0.5 * (a11 + a22), 0.5 * (a21 - a12), 0.5 * (a11 - a22), 0.5 * (a12 + a21)};
}

} // namespace fairy2::quant
