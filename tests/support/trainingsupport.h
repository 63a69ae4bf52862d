// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "models/spec.h"
#include "tensors/safetensors.h"
#include "training/loop.h"

#include <map>

namespace fairy2::tests {

/// config.json and model.safetensors of a folder, without the checkpoint room.
struct PlainModel {
    models::ModelSpec spec;
    std::shared_ptr<tensors::SafetensorsFile> file;

    [[nodiscard]] static base::Result<PlainModel> open(const base::Path& folder) {
        FAIRY2_ASSIGN(const auto config, base::readJson(folder / "config.json"));
        FAIRY2_ASSIGN(const auto spec, models::parseSpec(config, "config.json"));
        FAIRY2_ASSIGN(auto file, tensors::SafetensorsFile::open(folder / "model.safetensors"));
        return PlainModel{spec, std::make_shared<tensors::SafetensorsFile>(std::move(file))};
    }

    [[nodiscard]] training::WeightSource weights() const {
        return [file = file](const models::TensorSlot& slot) -> base::Result<std::vector<float>> {
            const auto* info = file->find(slot.name);
            if (info == nullptr) return base::badInput("the tensor is missing", {}, slot.name);
            std::vector<float> values(static_cast<std::size_t>(info->elements()));
            tensors::convertToFloat(file->bytes(*info), info->dtype, values);
            return values;
        };
    }
};

/// Keeps all that a loop tells.
class Recorder : public training::TrainingObserver {
public:
    base::Result<void> onStep(const training::StepRecord& record) override {
        steps.push_back(record);
        return {};
    }
    base::Result<void> onValidation(std::int64_t step, double natsPerToken) override {
        validation[step] = natsPerToken;
        return {};
    }
    base::Result<void> onSave(const training::Progress& progress) override {
        saves.push_back(progress.step);
        return {};
    }
    std::vector<training::StepRecord> steps;
    std::map<std::int64_t, double> validation;
    std::vector<std::int64_t> saves;
};

/// Engine options as the trainer takes them from a run's configuration.
[[nodiscard]] inline training::EngineOptions engineOptions(const config::RunSpec& spec) {
    training::EngineOptions options;
    options.recipe = spec.recipe;
    options.beta1 = spec.beta1;
    options.beta2 = spec.beta2;
    options.eps = spec.eps;
    options.weightDecay = spec.weightDecay;
    options.clipNorm = spec.clipNorm;
    return options;
}

} // namespace fairy2::tests
