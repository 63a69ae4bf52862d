// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <string>

namespace fairy2::gpucheck {

/// Counts checks and prints one line for each.
class Report {
public:
    void check(bool passed, const std::string& name, const std::string& detail) {
        std::printf("%-4s  %-56s %s\n", passed ? "ok" : "FAIL", name.c_str(), detail.c_str());
        std::fflush(stdout);
        m_failed += passed ? 0 : 1;
    }
    [[nodiscard]] int failed() const noexcept { return m_failed; }

private:
    int m_failed = 0;
};

void checkKernels(Report& report);      ///< each kernel against a plain loop in double
void checkQuantizer(Report& report);    ///< scales, codes and weights against core/quant, bit for bit
void checkGradients(Report& report);    ///< bf16 with library attention against fp32 with our own
void checkDistillation(Report& report); ///< with and without a difference between student and teacher
void checkDeterminism(Report& report);  ///< two runs of the deterministic mode, bit for bit
/// Loss curves of train_oracle.json; `folder` holds it with its models and tokens.
void checkOracle(Report& report, const std::string& folder);
/// Speed in SmolLM2-135M's shape with random weights; prints one JSON line a configuration.
void bench(int argc, char** argv);

} // namespace fairy2::gpucheck
