// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "quant/widelylinear.h"

#include <cmath>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

namespace fairy2::tests {

/// A matrix of its own memory, for tests.
struct Matrix {
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    std::vector<float> values;

    [[nodiscard]] quant::MatrixView view() const { return {values.data(), rows, cols}; }
};

/// i.i.d. entries: "gauss", "student" (t with 4 degrees of freedom), "laplace", "uniform" (−1..1), or "bf16":
/// Gaussian ones rounded to a coarse bf16 grid, which is full of exact ties.
inline Matrix randomMatrix(std::int64_t rows, std::int64_t cols, const std::string& distribution,
                           std::uint64_t seed = 1) {
    std::mt19937_64 generator(seed);
    std::normal_distribution<double> normal;
    std::student_t_distribution<double> student(4);
    std::exponential_distribution<double> exponential;
    std::uniform_real_distribution<double> uniform(-1, 1);
    Matrix matrix{rows, cols, std::vector<float>(static_cast<std::size_t>(rows * cols))};
    for (auto& value : matrix.values) {
        if (distribution == "student")
            value = static_cast<float>(student(generator));
        else if (distribution == "laplace")
            value = static_cast<float>((generator() & 1U) != 0 ? exponential(generator)
                                                               : -exponential(generator));
        else if (distribution == "uniform")
            value = static_cast<float>(uniform(generator));
        else
            value = static_cast<float>(normal(generator));
        if (distribution == "bf16") value = std::round(value * 16) / 16;
    }
    return matrix;
}

/// ‖a − b‖² / ‖a‖²
inline double relativeSquaredError(const std::vector<float>& a, const std::vector<float>& b) {
    double error = 0;
    double energy = 0;
    for (std::size_t i = 0; i < a.size(); ++i) {
        error += std::pow(static_cast<double>(a[i]) - static_cast<double>(b[i]), 2);
        energy += std::pow(static_cast<double>(a[i]), 2);
    }
    return error / energy;
}

} // namespace fairy2::tests
