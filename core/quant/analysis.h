// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/progress.h"
#include "quant/quantizer.h"

#include <array>
#include <string>

namespace fairy2::quant {

/// Statistics of one stage of U or W.
struct StageStatistics {
    double sRe = 0; ///< the scale; for row and tile64 the mean over groups
    double sIm = 0;
    std::array<std::int64_t, 4> counts{}; ///< +1, +i, −1, −i; they sum to n·m
    double entropyBits = 0;               ///< of the code distribution, at most 2
    double boundaryDistance = 0;          ///< mean angle to the nearest sector boundary, radians, 0..π/4
};

/// What quantising one layer does, per residual stage.
struct LayerReport {
    std::string name;
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    LayerRecipe recipe;
    struct Stage {
        StageStatistics u;
        StageStatistics w;
        double residualEnergy = 0; ///< ‖A − A_q(after this stage)‖² / ‖A‖²
    };
    std::vector<Stage> stages;
    double energy = 0;          ///< ‖A‖²
    double relativeError = 0;   ///< residualEnergy of the last stage
    double sqnrDb = 0;          ///< −10 log10(relativeError); infinite (null in JSON) where nothing is lost
    double uEnergyShare = 0;    ///< ‖U‖² / (‖U‖² + ‖W‖²)
    std::int64_t nonFinite = 0; ///< NaN and Inf entries; when > 0 the other fields are 0
    std::vector<float> rowSqnrDb; ///< per complex row

    /// The `layers` element of `fairy2 analyze --json`, without the rows.
    [[nodiscard]] base::Json toJson() const;
};

/// Two streaming passes over A and one more a stage; the same figures for any number of threads (0 = all
/// cores). Errors: odd dimensions, stages outside 1..4. NaN or Inf is no error, but counted in the report.
[[nodiscard]] base::Result<LayerReport> analyze(const std::string& name, MatrixView a,
                                                const LayerRecipe& recipe, int threads = 0);

/// Two-dimensional density of the entries of U or W on the complex plane, for the phase plane view.
struct PhaseDensity {
    int bins = 0;                      ///< per axis; bins × bins counts, row-major, row 0 = lowest Im
    double extent = 0;                 ///< the plane shown is [−extent, extent]²
    std::vector<std::uint32_t> counts; ///< entries outside fall into the border bins, so counts sum to n·m
    std::array<double, 4> share{};     ///< of the codes that this stage gives
    double sRe = 0;                    ///< codewords of this stage at ±s_re, ±i s_im (mean over groups);
    double sIm = 0;                    ///< both 0 after the last stage of the recipe
};
struct PhasePlane {
    PhaseDensity u;
    PhaseDensity w;
};

/// Density of what stage `stage` (counted from 0) is about to quantise: stage 0 = the weights themselves,
/// stage t = the residual after t stages. extent 0 chooses the 99.9 % quantile of |Re|, |Im|, the same for
/// both. Errors: as analyze; stage outside 0..recipe.stages; bins outside 1..4096; NaN or Inf in A.
[[nodiscard]] base::Result<PhasePlane> phasePlane(MatrixView a, const LayerRecipe& recipe, int stage,
                                                  int bins, double extent = 0);

} // namespace fairy2::quant
