// SPDX-License-Identifier: Apache-2.0
#include "training/torch/head.h"

#include <algorithm>

namespace fairy2::training {
namespace {

// Logits of one chunk: at most 16 M entries, yet enough positions for an efficient product.
std::int64_t chunkLength(std::int64_t vocabulary) {
    return std::max<std::int64_t>(64, (std::int64_t{1} << 24) / vocabulary);
}

template <typename Body>
void forEachChunk(const HeadInput& input, const Body& body) {
    const std::int64_t positions = input.hidden.size(0);
    const std::int64_t step = chunkLength(input.weight.size(0));
    for (std::int64_t begin = 0; begin < positions; begin += step)
        body(begin, std::min(positions, begin + step));
}

at::Tensor logitsOf(const at::Tensor& hidden, const at::Tensor& weight) {
    return at::mm(hidden, weight.t()).to(at::kFloat);
}

} // namespace

at::Tensor headLoss(const HeadInput& input) {
    auto losses = at::empty({input.hidden.size(0)}, input.hidden.options().dtype(at::kFloat));
    forEachChunk(input, [&](std::int64_t begin, std::int64_t end) {
        const auto logits = logitsOf(input.hidden.slice(0, begin, end), input.weight);
        const auto chosen = logits.gather(1, input.targets.slice(0, begin, end).unsqueeze(1)).squeeze(1);
        losses.slice(0, begin, end).copy_(at::logsumexp(logits, 1) - chosen);
    });
    return losses;
}

HeadGradient headGradient(const HeadInput& input, const TeacherInput& teacher, double ceWeight, double share,
                          at::Tensor& weightGradient) {
    const auto positions = static_cast<double>(input.hidden.size(0));
    const bool distils = teacher.weight > 0;
    const double temperature = teacher.temperature;
    auto crossEntropy = at::zeros({}, input.hidden.options().dtype(at::kDouble));
    auto divergence = at::zeros({}, crossEntropy.options());
    auto hiddenGradient = at::empty_like(input.hidden);
    forEachChunk(input, [&](std::int64_t begin, std::int64_t end) {
        const auto hidden = input.hidden.slice(0, begin, end);
        const auto targets = input.targets.slice(0, begin, end).unsqueeze(1);
        const auto logits = logitsOf(hidden, input.weight);
        const auto logProbability = at::log_softmax(logits, 1);
        crossEntropy.sub_(logProbability.gather(1, targets).sum(at::kDouble));

        // d CE/d logits = softmax − onehot
        auto gradient =
            logProbability.exp().scatter_add_(1, targets, at::full(targets.sizes(), -1.0, logits.options()));
        gradient.mul_(ceWeight * share / positions);
        if (distils) {
            const auto teacherLogits = logitsOf(teacher.hidden.slice(0, begin, end), teacher.headWeight);
            const auto teacherLog = at::log_softmax(teacherLogits / temperature, 1);
            const auto studentLog = at::log_softmax(logits / temperature, 1);
            const auto teacherProbability = teacherLog.exp();
            divergence.add_((teacherProbability * (teacherLog - studentLog)).sum(at::kDouble));
            // d(T²·KL)/d logits = T·(student − teacher)
            gradient.add_(studentLog.exp().sub_(teacherProbability),
                          teacher.weight * temperature * share / positions);
        }
        const auto narrow = gradient.to(hidden.scalar_type());
        hiddenGradient.slice(0, begin, end).copy_(at::mm(narrow, input.weight));
        if (weightGradient.scalar_type() == narrow.scalar_type())
            weightGradient.addmm_(narrow.t(), hidden);
        else
            weightGradient.add_(at::mm(narrow.t(), hidden));
    });
    HeadGradient result;
    result.loss.crossEntropy = crossEntropy.item<double>() / positions;
    result.loss.distillation = divergence.item<double>() / positions;
    result.loss.total = ceWeight * result.loss.crossEntropy +
                        teacher.weight * temperature * temperature * result.loss.distillation;
    result.hidden = hiddenGradient;
    return result;
}

} // namespace fairy2::training
