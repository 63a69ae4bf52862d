// SPDX-License-Identifier: Apache-2.0
#include "base/machine.h"

#include "base/process.h"
#include "base/threads.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <fstream>
#include <set>
#include <sstream>

namespace fairy2::base {
namespace {

constexpr double kSmiSeconds = 15;
constexpr std::array kFeatures{"sse4_2",      "avx",      "f16c",     "fma",         "avx2",
                               "sha_ni",      "avx512f",  "avx512bw", "avx512_vnni", "avx512_bf16",
                               "avx512_fp16", "amx_bf16", "amx_int8"};

std::string trimmed(const std::string& text) {
    const auto first = text.find_first_not_of(" \t\r\n");
    if (first == std::string::npos) return {};
    return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

std::uint64_t number(const std::string& text) {
    std::uint64_t value = 0;
    const auto clean = trimmed(text);
    std::from_chars(clean.data(), clean.data() + clean.size(), value);
    return value;
}

std::vector<std::string> split(const std::string& line, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream(line);
    for (std::string part; std::getline(stream, part, separator);)
        parts.push_back(trimmed(part));
    return parts;
}

// "key : value" lines, as /proc writes them.
bool keyAndValue(const std::string& line, std::string& key, std::string& value) {
    const auto colon = line.find(':');
    if (colon == std::string::npos) return false;
    key = trimmed(line.substr(0, colon));
    value = trimmed(line.substr(colon + 1));
    return true;
}

std::vector<GpuFacts> gpusOfDriver() {
    std::vector<GpuFacts> gpus;
    std::error_code error;
    for (std::filesystem::directory_iterator entry("/proc/driver/nvidia/gpus", error), end;
         !error && entry != end; entry.increment(error)) {
        GpuFacts gpu;
        gpu.index = static_cast<int>(gpus.size());
        std::ifstream file(entry->path() / "information");
        std::string key;
        std::string value;
        for (std::string line; std::getline(file, line);)
            if (keyAndValue(line, key, value) && key == "Model") gpu.name = value;
        gpus.push_back(gpu);
    }
    return gpus;
}

} // namespace

CpuFacts cpuFacts() {
    CpuFacts facts;
    facts.threads = threadCount();
    std::ifstream file("/proc/cpuinfo");
    std::set<std::pair<std::string, std::string>> cores;
    std::string package;
    std::string key;
    std::string value;
    for (std::string line; std::getline(file, line);) {
        if (!keyAndValue(line, key, value)) continue;
        if (key == "model name" && facts.name.empty()) facts.name = value;
        if (key == "physical id") package = value;
        if (key == "core id") cores.emplace(package, value);
        if (key != "flags" || !facts.features.empty()) continue;
        const auto flags = split(value, ' ');
        std::copy_if(kFeatures.begin(), kFeatures.end(), std::back_inserter(facts.features),
                     [&](const char* feature) {
                         return std::find(flags.begin(), flags.end(), feature) != flags.end();
                     });
    }
    facts.cores = static_cast<int>(cores.size());
    return facts;
}

MemoryFacts memoryFacts() {
    constexpr std::uint64_t kKibibyte = 1024;
    MemoryFacts facts;
    std::ifstream file("/proc/meminfo");
    std::string key;
    std::string value;
    for (std::string line; std::getline(file, line);) {
        if (!keyAndValue(line, key, value)) continue;
        if (key == "MemTotal") facts.totalBytes = number(value) * kKibibyte;
        if (key == "MemAvailable") facts.availableBytes = number(value) * kKibibyte;
    }
    std::string limit;
    std::getline(std::ifstream("/sys/fs/cgroup/memory.max"), limit);
    if (const auto bytes = number(limit); bytes > 0 && bytes < facts.totalBytes) {
        std::string used;
        std::getline(std::ifstream("/sys/fs/cgroup/memory.current"), used);
        facts.totalBytes = bytes;
        facts.availableBytes = std::min(facts.availableBytes, bytes - std::min(bytes, number(used)));
    }
    return facts;
}

DiskFacts diskFacts(const Path& folder) {
    DiskFacts facts;
    std::error_code error;
    facts.path = std::filesystem::absolute(folder, error);
    while (!std::filesystem::exists(facts.path, error) && facts.path.has_relative_path())
        facts.path = facts.path.parent_path();
    const auto space = std::filesystem::space(facts.path, error);
    if (error) return facts;
    facts.totalBytes = space.capacity;
    facts.freeBytes = space.available;
    return facts;
}

std::vector<GpuFacts> gpuFacts() {
    constexpr std::uint64_t kMebibyte = std::uint64_t{1} << 20U;
    std::error_code error;
    if (!std::filesystem::exists("/proc/driver/nvidia", error) &&
        !std::filesystem::exists("/dev/nvidiactl", error) && !std::filesystem::exists("/dev/dxg", error))
        return {};
    ProcessOptions options;
    options.timeoutSeconds = kSmiSeconds;
    const auto smi = runProcess(
        {"nvidia-smi", "--query-gpu=index,name,memory.total,driver_version", "--format=csv,noheader,nounits"},
        options);
    if (!smi || !smi->succeeded()) return gpusOfDriver();
    std::vector<GpuFacts> gpus;
    std::istringstream lines(smi->output);
    for (std::string line; std::getline(lines, line);) {
        const auto fields = split(line, ',');
        if (fields.size() != 4) continue;
        gpus.push_back(
            {static_cast<int>(number(fields[0])), fields[1], number(fields[2]) * kMebibyte, fields[3]});
    }
    return gpus;
}

} // namespace fairy2::base
