// SPDX-License-Identifier: Apache-2.0
#include "training/modelsource.h"

#include "base/hash.h"
#include "base/threads.h"
#include "models/location.h"
#include "models/modelfolder.h"

#include <cmath>
#include <fmt/format.h>

namespace fairy2::training {
namespace {

constexpr double kPi = 3.14159265358979323846;

// SplitMix64 over (key, index): a stateless stream, so that any rank draws any slice.
double uniformAt(std::uint64_t key, std::uint64_t index) {
    std::uint64_t x = key + (index + 1) * 0x9e3779b97f4a7c15ULL;
    x = (x ^ (x >> 30U)) * 0xbf58476d1ce4e5b9ULL;
    x = (x ^ (x >> 27U)) * 0x94d049bb133111ebULL;
    x ^= x >> 31U;
    return (static_cast<double>(x >> 11U) + 0.5) * 0x1p-53;
}

WeightSource randomWeights(std::uint64_t seed, double deviation) {
    return [seed, deviation](const models::TensorSlot& slot) -> base::Result<std::vector<float>> {
        std::int64_t elements = 1;
        for (const auto size : slot.shape)
            elements *= size;
        std::vector<float> values(static_cast<std::size_t>(elements), 1.0F);
        if (slot.shape.size() == 1) return values;
        const auto key =
            std::stoull(base::sha256Hex(fmt::format("{}/{}", seed, slot.name)).substr(0, 16), nullptr, 16);
        constexpr std::int64_t kBlock = 1 << 16;
        base::parallelFor((elements + kBlock - 1) / kBlock, [&](std::int64_t block) {
            for (auto i = block * kBlock; i < std::min(elements, (block + 1) * kBlock); ++i) {
                const auto index = static_cast<std::uint64_t>(i);
                const double radius = std::sqrt(-2 * std::log(uniformAt(key, 2 * index)));
                const double angle = 2 * kPi * uniformAt(key, 2 * index + 1);
                values[static_cast<std::size_t>(i)] =
                    static_cast<float>(deviation * radius * std::cos(angle));
            }
        });
        return values;
    };
}

base::Result<ModelSource> openRandom(const config::RunSpec& spec) {
    FAIRY2_ASSIGN(const auto folder, models::locateModel(spec.modelPath));
    FAIRY2_ASSIGN(const auto model, models::readModelFolder(folder.folder));
    const double deviation = model.config.value("initializer_range", 0.02);
    return ModelSource{folder.folder,
                       model.spec,
                       model.config,
                       {},
                       models::CheckpointKind::HuggingFace,
                       randomWeights(spec.seed, deviation)};
}

} // namespace

base::Result<ModelSource> openModelSource(const std::string& pathOrName) {
    FAIRY2_ASSIGN(auto checkpoint, models::Checkpoint::open(pathOrName));
    return ModelSource{
        checkpoint->path(),
        checkpoint->spec(),
        checkpoint->config(),
        checkpoint->recipe(),
        checkpoint->kind(),
        [checkpoint](const models::TensorSlot& slot) { return checkpoint->readFloat(slot.name); }};
}

base::Result<ModelSource> openTrainable(const config::RunSpec& spec) {
    if (spec.modelInit == "random") return openRandom(spec);
    FAIRY2_ASSIGN(auto source, openModelSource(spec.modelPath));
    if (source.kind == models::CheckpointKind::Baked || source.kind == models::CheckpointKind::Packed)
        return base::badInput(
            fmt::format("this model is {}: its weights are quantised already and cannot be trained",
                        models::name(source.kind)),
            spec.modelPath, "model.path", "train from the model or checkpoint it was exported from");
    return source;
}

base::Result<WeightSource> openTeacher(const config::RunSpec& spec, const ModelSource& student) {
    if (spec.distillTeacher.empty()) return student.weights;
    FAIRY2_ASSIGN(auto teacher, openModelSource(spec.distillTeacher));
    const auto shapes = [](const models::ModelSpec& model) {
        base::Json list;
        for (const auto& slot : models::tensorSlots(model))
            list.push_back({slot.name, slot.shape});
        return list;
    };
    if (shapes(teacher.spec) != shapes(student.spec))
        return base::badInput("the teacher has another architecture than the model", spec.distillTeacher,
                              "training.distill.teacher",
                              "choose a teacher of the same shape, or leave it empty");
    return teacher.weights;
}

} // namespace fairy2::training
