// SPDX-License-Identifier: Apache-2.0
#include "wizards/exportcheck.h"

#include "infer/transformer.h"
#include "pack/packedlayer.h"

#include <algorithm>
#include <cmath>

namespace fairy2::wizards {
namespace {

constexpr std::int64_t kSampleRows = 4;
constexpr std::size_t kSampleLength = 128; ///< keeps two sets of logits small at any vocabulary

const models::LinearInfo* largestQuantized(const models::Checkpoint& source,
                                           const quant::ModelRecipe& recipe) {
    const models::LinearInfo* largest = nullptr;
    for (const auto& linear : source.linears()) {
        if (!linear.quantizable || !recipe.forLayer(linear.name).quantizes()) continue;
        if (largest == nullptr || linear.rows * linear.cols > largest->rows * largest->cols)
            largest = &linear;
    }
    return largest;
}

double energy(const std::vector<float>& values) {
    double sum = 0;
    for (const float value : values)
        sum += static_cast<double>(value) * static_cast<double>(value);
    return sum;
}

base::Result<void> checkLayer(const models::Checkpoint& source, const models::LinearInfo& linear,
                              const quant::LayerRecipe& recipe, ExportCheck& check) {
    FAIRY2_ASSIGN(auto weights, source.readFloat(linear.name + ".weight"));
    FAIRY2_ASSIGN(auto quantized, quant::quantize({weights.data(), linear.rows, linear.cols}, recipe));
    FAIRY2_ASSIGN(const auto stored, pack::withStoredScales(std::move(quantized)));
    FAIRY2_ASSIGN(const auto packed, pack::pack(stored));
    FAIRY2_ASSIGN(const auto back, pack::unpack(pack::view(packed)));
    const auto before = quant::dequantize(stored);
    if (before != quant::dequantize(back))
        return base::fail(base::ErrorCode::Failed, "a packed layer does not come back as it was", {},
                          linear.name);
    const double whole = energy(weights);
    for (std::size_t i = 0; i < weights.size(); ++i)
        weights[i] -= before[i];
    check.layer = linear.name;
    check.relativeError = whole > 0 ? energy(weights) / whole : 0;
    return {};
}

// −log softmax, in place.
void toNegativeLogProbabilities(std::span<float> logits) {
    const double top = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (const float value : logits)
        sum += std::exp(static_cast<double>(value) - top);
    const double normal = top + std::log(sum);
    for (float& value : logits)
        value = static_cast<float>(normal - static_cast<double>(value));
}

struct Sums {
    double sourceLoss = 0;
    double exportLoss = 0;
    double kld = 0;
    std::int64_t tokens = 0;
};

base::Result<void> scoreRow(const infer::Transformer& before, const infer::Transformer& after,
                            std::span<const std::int32_t> ids, Sums& sums) {
    FAIRY2_ASSIGN(auto reference, before.logits(ids));
    FAIRY2_ASSIGN(auto changed, after.logits(ids));
    const std::size_t vocabulary = reference.size() / ids.size();
    for (std::size_t at = 0; at + 1 < ids.size(); ++at) {
        const std::span p(reference.data() + at * vocabulary, vocabulary);
        const std::span q(changed.data() + at * vocabulary, vocabulary);
        toNegativeLogProbabilities(p);
        toNegativeLogProbabilities(q);
        const auto next = static_cast<std::size_t>(ids[at + 1]);
        sums.sourceLoss += p[next];
        sums.exportLoss += q[next];
        for (std::size_t i = 0; i < vocabulary; ++i)
            sums.kld += std::exp(-static_cast<double>(p[i])) *
                        (static_cast<double>(q[i]) - static_cast<double>(p[i]));
        ++sums.tokens;
    }
    return {};
}

base::Result<std::optional<ExportCheck::Sample>> scoreSample(const models::Checkpoint& source,
                                                             const quant::ModelRecipe& recipe,
                                                             const data::TokenRows& rows,
                                                             const base::Task& task) {
    using Sample = ExportCheck::Sample;
    quant::ModelRecipe untouched;
    untouched.defaults.skip = true;
    FAIRY2_ASSIGN(const auto before, infer::Transformer::load(source, untouched, task));
    FAIRY2_ASSIGN(const auto after, infer::Transformer::load(source, recipe, task));
    Sums sums;
    const auto count = std::min(kSampleRows, rows.rows());
    for (std::int64_t row = 0; row < count; ++row) {
        if (task.cancelled()) return base::cancelled();
        const auto ids = rows.row(row);
        FAIRY2_TRY(scoreRow(*before, *after, ids.first(std::min(ids.size(), kSampleLength)), sums));
        task.progress(row + 1, count, "scoring");
    }
    if (sums.tokens == 0) return std::optional<Sample>();
    const auto tokens = static_cast<double>(sums.tokens);
    return std::optional<Sample>(
        Sample{sums.sourceLoss / tokens, sums.exportLoss / tokens, sums.kld / tokens, sums.tokens});
}

} // namespace

base::Result<ExportCheck> checkExport(const models::Checkpoint& source, const quant::ModelRecipe& recipe,
                                      const data::TokenRows* rows, const base::Task& task) {
    const auto* linear = largestQuantized(source, recipe);
    if (linear == nullptr)
        return base::badInput("this recipe quantises no layer of the model", source.path().string(), "stages",
                              "choose at least one stage");
    ExportCheck check;
    FAIRY2_TRY(checkLayer(source, *linear, recipe.forLayer(linear->name), check));
    if (rows != nullptr) {
        FAIRY2_ASSIGN(check.sample, scoreSample(source, recipe, *rows, task));
    }
    return check;
}

} // namespace fairy2::wizards
