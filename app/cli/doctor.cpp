// SPDX-License-Identifier: Apache-2.0
#include "base/machine.h"
#include "base/paths.h"
#include "base/process.h"
#include "hub/cache.h"
#include "table.h"
#include "units.h"
#include "verb.h"

#include <algorithm>
#include <cstdlib>
#include <fmt/format.h>

namespace fairy2::cli {
namespace {

using base::Json;

constexpr double kTrainerSeconds = 60; // LibTorch from a cold disk
constexpr std::uint64_t kLowDiskBytes = 10'000'000'000;

std::string environment(const char* name) {
    const char* value = std::getenv(name);
    return value == nullptr ? std::string() : std::string(value);
}

// The report as a document and as lines, and what to do about each thing that is not there.
struct Report {
    Json document = Json::object();
    Table lines{{"", ""}};
    Json missing = Json::array();

    void line(const std::string& what, const std::string& value) { lines.add({what, value}); }
    void lacks(const std::string& what, const std::string& effect, const std::string& command) {
        missing.push_back({{"what", what}, {"effect", effect}, {"command", command}});
    }
};

void examineMachine(Report& report) {
    const auto cpu = base::cpuFacts();
    report.document["cpu"] = {
        {"name", cpu.name}, {"cores", cpu.cores}, {"threads", cpu.threads}, {"features", cpu.features}};
    report.line("processor", fmt::format("{}, {} threads for us", cpu.name, cpu.threads));
    report.line("vector code",
                cpu.features.empty() ? "none known" : fmt::format("{}", fmt::join(cpu.features, " ")));
    if (std::find(cpu.features.begin(), cpu.features.end(), "avx2") == cpu.features.end())
        report.lacks("AVX2", "analysis and generation run several times slower", "");

    const auto memory = base::memoryFacts();
    report.document["memory"] = {{"total_bytes", memory.totalBytes},
                                 {"available_bytes", memory.availableBytes}};
    report.line("memory",
                fmt::format("{} free of {}", bytesText(memory.availableBytes), bytesText(memory.totalBytes)));

    const auto home = base::homeDirectory();
    const auto disk = base::diskFacts(home);
    report.document["home"] = home.string();
    report.document["disk"] = {
        {"path", disk.path.string()}, {"free_bytes", disk.freeBytes}, {"total_bytes", disk.totalBytes}};
    report.line("disk", fmt::format("{} free of {} at {}", bytesText(disk.freeBytes),
                                    bytesText(disk.totalBytes), home.string()));
    if (disk.freeBytes < kLowDiskBytes)
        report.lacks("disk space", "checkpoints of larger models will not fit",
                     "export FAIRY2_HOME=/a/larger/disk/fairy2");
}

void examineGpus(Report& report) {
    auto list = Json::array();
    for (const auto& gpu : base::gpuFacts()) {
        list.push_back({{"index", gpu.index},
                        {"name", gpu.name},
                        {"memory_bytes", gpu.memoryBytes},
                        {"driver", gpu.driver}});
        report.line(fmt::format("GPU {}", gpu.index),
                    fmt::format("{}, {}, driver {}", gpu.name, bytesText(gpu.memoryBytes),
                                gpu.driver.empty() ? "unknown" : gpu.driver));
    }
    if (list.empty()) {
        report.line("GPU", "none: training runs on the processor");
        if (std::filesystem::exists("/dev/nvidiactl") || std::filesystem::exists("/proc/driver/nvidia"))
            report.lacks("nvidia-smi", "the GPU's memory and load cannot be shown",
                         "sudo apt install nvidia-smi");
    }
    report.document["gpus"] = std::move(list);
}

// LibTorch and NCCL are asked for through the trainer: this program knows neither.
void examineTrainer(Report& report, const base::Cancel* cancel) {
    Json trainer = {{"present", false}, {"path", ""}, {"libtorch", nullptr}};
    const auto program = base::findProgram("fairy2-trainer");
    if (!program) {
        report.line("trainer", "not here");
        report.lacks("fairy2-trainer", "training and --engine torch are not possible", "./dev build");
        report.document["trainer"] = std::move(trainer);
        return;
    }
    trainer["path"] = program->string();
    base::ProcessOptions options;
    options.timeoutSeconds = kTrainerSeconds;
    options.cancel = cancel;
    const auto result = base::runProcess({program->string(), "--version", "--json"}, options);
    const auto facts = result && result->succeeded() ? base::parseJson(result->output, program->string())
                                                     : tl::unexpected(base::Error{});
    if (!facts || !facts->is_object()) {
        report.line("trainer", fmt::format("{} does not start", program->string()));
        report.lacks("LibTorch", "the trainer does not start", "./dev build");
        report.document["trainer"] = std::move(trainer);
        return;
    }
    trainer.update(*facts);
    trainer["present"] = true;
    const auto text = [&](const char* key) {
        return trainer.contains(key) && trainer[key].is_string() ? trainer[key].get<std::string>()
                                                                 : std::string();
    };
    report.line("trainer", fmt::format("{}, LibTorch {}", text("version"), text("libtorch")));
    const bool module = trainer.value("gpu_module", Json()).is_boolean() ? trainer["gpu_module"].get<bool>()
                                                                         : !text("gpu_module").empty();
    report.line("GPU module", module ? "loaded" : "not loaded: " + text("reason"));
    if (!text("nccl").empty()) report.line("NCCL", text("nccl"));
    if (!module && !report.document["gpus"].empty())
        report.lacks("fairy2_cuda", "the GPU is not used", "FAIRY2_CUDA=1 ./dev build");
    report.document["trainer"] = std::move(trainer);
}

void examineDesktop(Report& report) {
    const auto x11 = environment("DISPLAY");
    const auto wayland = environment("WAYLAND_DISPLAY");
    const bool shown = !x11.empty() || !wayland.empty();
    const bool workbench = base::findProgram("fairy2-workbench").has_value();
    report.document["display"] = {{"x11", x11}, {"wayland", wayland}};
    report.document["workbench"] = {{"present", workbench}};
    report.line("display", shown ? (wayland.empty() ? "X11 " + x11 : "Wayland " + wayland)
                                 : "none: the window cannot open here");
    report.line("workbench", workbench ? "here" : "not here");
    if (!shown)
        report.lacks("display", "the workbench needs one; every command works without", "ssh -X HOST");
    if (!workbench) report.lacks("fairy2-workbench", "no window", "./dev build");
}

void examineData(Report& report) {
    const auto cache = hub::cacheRoot();
    const auto models = hub::scan();
    auto names = Json::array();
    for (const auto& model : models)
        names.push_back(model.repository);
    report.document["hugging_face_cache"] = {{"path", cache.string()}, {"models", names}};
    report.line("Hugging Face", fmt::format("{} models in {}", models.size(), cache.string()));
    if (models.empty())
        report.lacks("models", "only those opened by their folder are there",
                     "hf download HuggingFaceTB/SmolLM2-135M");

    const auto registry = base::homeDirectory() / "registry.sqlite";
    const bool there = std::filesystem::exists(registry);
    report.document["registry"] = {{"path", registry.string()}, {"present", there}};
    report.line("registry",
                fmt::format("{}{}", registry.string(), there ? "" : " (not yet: the first run makes it)"));
}

base::Result<Outcome> examine(const base::Task& task) {
    Report report;
    report.document["version"] = base::version();
    report.line("fairy2", base::version());
    examineMachine(report);
    examineGpus(report);
    examineTrainer(report, task.cancel);
    if (task.cancelled()) return base::cancelled();
    examineDesktop(report);
    examineData(report);

    Outcome outcome;
    outcome.text = report.lines.text();
    if (!report.missing.empty()) {
        Table table({"missing", "so", "add it with"});
        for (const auto& each : report.missing)
            table.add({each["what"], each["effect"], each["command"]});
        outcome.text += '\n' + table.text();
    }
    report.document["missing"] = std::move(report.missing);
    outcome.document = std::move(report.document);
    return outcome;
}

} // namespace

void addDoctor(CLI::App& program, Invocation& invocation) {
    auto* verb = declareVerb(program, invocation, "doctor",
                             "what is here, what is missing, and how to add it", "fairy2 doctor --json");
    verb->callback([&invocation] { invocation.run = [&invocation] { return examine(invocation.task); }; });
}

} // namespace fairy2::cli
