// SPDX-License-Identifier: Apache-2.0
#pragma once

namespace fairy2::plots {

/// Exponential moving average as TensorBoard draws it: debiased from the first value on; non-finite values
/// pass through and leave the average alone. weight in [0, 1): 0 = no smoothing.
class Smoothing {
public:
    explicit Smoothing(double weight = 0) : m_weight(weight) {}
    [[nodiscard]] double next(double value);

private:
    double m_weight;
    double m_last = 0;
    double m_bias = 1; ///< weight^n after n values
};

} // namespace fairy2::plots
