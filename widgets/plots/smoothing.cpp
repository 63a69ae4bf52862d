// SPDX-License-Identifier: Apache-2.0
#include "plots/smoothing.h"

#include <cmath>

namespace fairy2::plots {

double Smoothing::next(double value) {
    if (m_weight <= 0 || !std::isfinite(value)) return value;
    m_last = m_last * m_weight + (1 - m_weight) * value;
    m_bias *= m_weight;
    return m_last / (1 - m_bias);
}

} // namespace fairy2::plots
