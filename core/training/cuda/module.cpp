// SPDX-License-Identifier: Apache-2.0
#include "interface.h"

#include "check.h"
#include "engine.h"

#include <algorithm>
#include <array>
#include <string>

using fairy2::gpu::Engine;

struct Fairy2CudaEngine {
    Fairy2CudaEngine(fairy2::gpu::EngineOptions options, int device) : engine(std::move(options), device) {}
    Engine engine;
    std::string description;
};

namespace {

thread_local std::string g_message;

/// Runs body() and turns what it throws into a sentence.
template <typename Body>
int guarded(const Body& body) noexcept {
    try {
        body();
        return 0;
    } catch (const std::exception& failure) {
        try {
            g_message = failure.what();
        } catch (const std::exception&) {
            g_message.clear();
        }
        return 1;
    }
}

fairy2::gpu::EngineOptions optionsOf(const Fairy2CudaSpec& spec) {
    fairy2::gpu::EngineOptions options;
    auto& shape = options.shape;
    shape.vocab = spec.vocab;
    shape.hidden = spec.hidden;
    shape.intermediate = spec.intermediate;
    shape.layers = spec.layers;
    shape.heads = spec.heads;
    shape.kvHeads = spec.kvHeads;
    shape.headDim = spec.headDim;
    shape.tied = spec.tied != 0;
    shape.qkNorm = spec.qkNorm != 0;
    for (std::int64_t i = 0; i < spec.layers * 7 + 1; ++i)
        options.recipes.push_back({spec.recipes[i].stages, spec.recipes[i].grouping});
    options.inverseFrequencies.assign(spec.inverseFrequencies, spec.inverseFrequencies + spec.headDim / 2);
    options.rmsEps = float(spec.rmsEps);
    options.rows = spec.rows;
    options.sequence = spec.sequence;
    options.element = spec.bf16 != 0 ? fairy2::gpu::Element::BF16 : fairy2::gpu::Element::F32;
    options.trainable = spec.trainable != 0;
    options.deterministic = spec.deterministic != 0;
    options.recomputeSwiglu = spec.recomputeSwiglu != 0;
    options.accumulates = spec.accumulates != 0;
    options.adam = {spec.beta1, spec.beta2, spec.eps, spec.weightDecay};
    options.distillation = {float(spec.ceWeight), float(spec.distillWeight), float(spec.distillTemperature)};
    return options;
}

Engine::Part partOf(int part) {
    if (part < Fairy2CudaMaster || part > Fairy2CudaForward)
        throw fairy2::gpu::Failure("no such part of a tensor");
    return static_cast<Engine::Part>(part);
}

} // namespace

int fairy2CudaInterface(void) {
    return FAIRY2_CUDA_INTERFACE;
}

const char* fairy2CudaErrorText(int error) {
    return cudaGetErrorString(static_cast<cudaError_t>(error));
}

int fairy2CudaDeviceCount(int* count) {
    *count = 0;
    return cudaGetDeviceCount(count);
}

int fairy2CudaDevice(int index, Fairy2CudaDevice* device) {
    cudaDeviceProp properties{};
    if (const auto error = cudaGetDeviceProperties(&properties, index); error != cudaSuccess) return error;
    *device = {};
    std::copy_n(properties.name, sizeof device->name - 1, device->name);
    device->memoryBytes = properties.totalGlobalMem;
    device->computeMajor = properties.major;
    device->computeMinor = properties.minor;
    device->multiprocessors = properties.multiProcessorCount;
    return 0;
}

int fairy2CudaSelfTest(int index) {
    constexpr int kCount = 64;
    std::array<std::int32_t, kCount> values{};
    std::int32_t* device = nullptr;
    auto error = cudaSetDevice(index);
    if (error == cudaSuccess) error = cudaMalloc(reinterpret_cast<void**>(&device), sizeof values);
    if (error != cudaSuccess) return error;
    fairy2::gpu::probe(device, kCount, nullptr);
    error = cudaMemcpy(values.data(), device, sizeof values, cudaMemcpyDeviceToHost);
    cudaFree(device);
    if (error != cudaSuccess) return error;
    for (int i = 0; i < kCount; ++i)
        if (values[std::size_t(i)] != i * i) return cudaErrorUnknown;
    return 0;
}

const char* fairy2CudaMessage(void) {
    return g_message.c_str();
}

int fairy2CudaEngineCreate(const Fairy2CudaSpec* spec, int device, Fairy2CudaEngine** engine) {
    *engine = nullptr;
    return guarded([&] { *engine = new Fairy2CudaEngine(optionsOf(*spec), device); });
}

void fairy2CudaEngineDestroy(Fairy2CudaEngine* engine) {
    delete engine;
}

const char* fairy2CudaEngineDescribe(Fairy2CudaEngine* engine) {
    guarded([&] {
        auto& text = engine->description;
        text = "{\"attention\":\"" + std::string(engine->engine.attentionName()) +
               "\",\"parameters\":" + std::to_string(engine->engine.space().weights()) +
               ",\"device_bytes\":" + std::to_string(engine->engine.deviceBytes()) + ",\"memory\":{";
        const char* separator = "";
        for (const auto& entry : engine->engine.plan()) {
            text += separator + ("\"" + entry.name + "\":") + std::to_string(entry.bytes);
            separator = ",";
        }
        text += "}}";
    });
    return engine->description.c_str();
}

int64_t fairy2CudaEngineTensors(const Fairy2CudaEngine* engine) {
    return std::int64_t(engine->engine.space().parameters().size());
}

int fairy2CudaEngineTensor(const Fairy2CudaEngine* engine, int64_t index, Fairy2CudaTensor* tensor) {
    return guarded([&] {
        const auto& parameter = engine->engine.space().parameters().at(std::size_t(index));
        *tensor = {parameter.name.c_str(), parameter.rows, parameter.cols, parameter.norm ? 1 : 0, -1};
        const auto& quantized = engine->engine.quantized();
        for (std::size_t i = 0; i < quantized.size(); ++i)
            if (quantized[i].parameter == index) tensor->quantized = std::int32_t(i);
    });
}

int fairy2CudaEngineRead(const Fairy2CudaEngine* engine, int64_t tensor, int part, float* values) {
    return guarded([&] { engine->engine.read(int(tensor), partOf(part), values); });
}

int fairy2CudaEngineWrite(Fairy2CudaEngine* engine, int64_t tensor, int part, const float* values) {
    return guarded([&] { engine->engine.write(int(tensor), partOf(part), values); });
}

int fairy2CudaEngineWriteTeacher(Fairy2CudaEngine* engine, int64_t tensor, const float* values) {
    return guarded([&] { engine->engine.writeTeacher(int(tensor), values); });
}

int fairy2CudaEngineUpdates(const Fairy2CudaEngine* engine, int64_t* updates) {
    return guarded([&] { *updates = engine->engine.updates(); });
}

int fairy2CudaEngineSetUpdates(Fairy2CudaEngine* engine, int64_t updates) {
    return guarded([&] { engine->engine.setUpdates(updates); });
}

int fairy2CudaEngineRefresh(Fairy2CudaEngine* engine) {
    return guarded([&] { engine->engine.refresh(); });
}

int fairy2CudaEngineAccumulate(Fairy2CudaEngine* engine, const int32_t* ids, int64_t rows, int64_t length,
                               double share) {
    return guarded([&] { engine->engine.accumulate(ids, rows, length, share); });
}

int fairy2CudaEngineLoss(Fairy2CudaEngine* engine, double* crossEntropy, double* divergence) {
    return guarded([&] {
        const auto losses = engine->engine.lastLoss();
        *crossEntropy = losses.crossEntropy;
        *divergence = losses.divergence;
    });
}

int fairy2CudaEngineFinish(Fairy2CudaEngine* engine, double learningRate, double clipNorm, double lambda) {
    return guarded([&] { engine->engine.finish(float(learningRate), float(clipNorm), float(lambda)); });
}

int fairy2CudaEngineDrop(Fairy2CudaEngine* engine) {
    return guarded([&] { engine->engine.drop(); });
}

int fairy2CudaEngineReport(Fairy2CudaEngine* engine, Fairy2CudaStep* step, Fairy2CudaLayer* layers) {
    return guarded([&] {
        const auto& report = engine->engine.report();
        *step = {report.control.gradientNorm, report.control.skip, report.control.updates};
        if (layers == nullptr) return;
        for (std::size_t i = 0; i < report.matrices.size(); ++i) {
            const auto& matrix = engine->engine.quantized()[i].matrix;
            std::copy(std::begin(report.matrices[i].energy), std::end(report.matrices[i].energy),
                      layers[i].energy);
            layers[i].flips = report.matrices[i].flips;
            layers[i].codes =
                2 * std::uint64_t(matrix.n) * std::uint64_t(matrix.m) * std::uint64_t(matrix.stages);
        }
    });
}

int fairy2CudaEngineEvaluate(Fairy2CudaEngine* engine, const int32_t* ids, int64_t rows, int64_t length,
                             double* losses) {
    return guarded([&] { engine->engine.evaluate(ids, rows, length, losses); });
}
