// SPDX-License-Identifier: Apache-2.0
#include "docks/systemsampler.h"

#include "base/threads.h"

#include <QFile>
#include <QLibrary>
#include <QTimer>

#include <algorithm>
#include <array>
#include <memory>
#include <unistd.h>

using namespace Qt::StringLiterals;

namespace fairy2::docks {
namespace {

constexpr int kIntervalMs = 1000;

// The part of NVIDIA's management library that we ask; its C interface is stable by promise. Loaded at run
// time, because most machines have no driver.
class Nvml {
public:
    Nvml() : m_library(u"libnvidia-ml.so.1"_s) {
        const auto init = resolve<int (*)()>("nvmlInit_v2");
        m_count = resolve<int (*)(unsigned*)>("nvmlDeviceGetCount_v2");
        m_handle = resolve<int (*)(unsigned, void**)>("nvmlDeviceGetHandleByIndex_v2");
        m_name = resolve<int (*)(void*, char*, unsigned)>("nvmlDeviceGetName");
        m_memory = resolve<int (*)(void*, Memory*)>("nvmlDeviceGetMemoryInfo");
        m_utilization = resolve<int (*)(void*, Utilization*)>("nvmlDeviceGetUtilizationRates");
        m_temperature = resolve<int (*)(void*, int, unsigned*)>("nvmlDeviceGetTemperature");
        m_power = resolve<int (*)(void*, unsigned*)>("nvmlDeviceGetPowerUsage");
        m_ready = init != nullptr && m_count != nullptr && m_handle != nullptr && m_name != nullptr &&
                  m_memory != nullptr && init() == 0;
    }
    ~Nvml() {
        if (!m_ready) return;
        if (const auto shutdown = resolve<int (*)()>("nvmlShutdown")) shutdown();
    }
    Nvml(const Nvml&) = delete;
    Nvml& operator=(const Nvml&) = delete;

    [[nodiscard]] QList<GpuSample> sample() const {
        QList<GpuSample> gpus;
        unsigned count = 0;
        if (!m_ready || m_count(&count) != 0) return gpus;
        for (unsigned i = 0; i < count; ++i) {
            void* device = nullptr;
            if (m_handle(i, &device) == 0) gpus.append(sampleOf(device));
        }
        return gpus;
    }

private:
    struct Memory {
        unsigned long long total, free, used;
    };
    struct Utilization {
        unsigned gpu, memory;
    };

    template <typename Function>
    Function resolve(const char* symbol) {
        return reinterpret_cast<Function>(m_library.resolve(symbol));
    }

    [[nodiscard]] GpuSample sampleOf(void* device) const {
        GpuSample gpu;
        std::array<char, 96> name{};
        if (m_name(device, name.data(), name.size()) == 0) gpu.name = QString::fromUtf8(name.data());
        Memory memory{};
        if (m_memory(device, &memory) == 0) {
            gpu.memoryUsed = memory.used;
            gpu.memoryTotal = memory.total;
        }
        Utilization utilization{};
        if (m_utilization != nullptr && m_utilization(device, &utilization) == 0)
            gpu.utilization = static_cast<int>(utilization.gpu);
        unsigned value = 0;
        if (m_temperature != nullptr && m_temperature(device, 0, &value) == 0)
            gpu.temperature = static_cast<int>(value);
        if (m_power != nullptr && m_power(device, &value) == 0) gpu.watts = value / 1000.0;
        return gpu;
    }

    QLibrary m_library;
    bool m_ready = false;
    int (*m_count)(unsigned*) = nullptr;
    int (*m_handle)(unsigned, void**) = nullptr;
    int (*m_name)(void*, char*, unsigned) = nullptr;
    int (*m_memory)(void*, Memory*) = nullptr;
    int (*m_utilization)(void*, Utilization*) = nullptr;
    int (*m_temperature)(void*, int, unsigned*) = nullptr;
    int (*m_power)(void*, unsigned*) = nullptr;
};

quint64 memoryLine(const QByteArray& meminfo, const char* key) {
    const qsizetype at = meminfo.indexOf(key);
    if (at < 0) return 0;
    const qsizetype colon = meminfo.indexOf(':', at);
    const qsizetype end = meminfo.indexOf("kB", colon);
    return meminfo.mid(colon + 1, end - colon - 1).trimmed().toULongLong() * 1024;
}

QByteArray readAll(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? file.readAll() : QByteArray();
}

SystemSample sampleMemory() {
    SystemSample sample;
    const QByteArray meminfo = readAll(u"/proc/meminfo"_s);
    sample.memoryTotal = memoryLine(meminfo, "MemTotal");
    sample.memoryUsed =
        sample.memoryTotal - std::min(sample.memoryTotal, memoryLine(meminfo, "MemAvailable"));
    const QList<QByteArray> pages = readAll(u"/proc/self/statm"_s).split(' ');
    if (pages.size() > 1)
        sample.processMemory = pages[1].toULongLong() * static_cast<quint64>(::sysconf(_SC_PAGESIZE));
    return sample;
}

} // namespace

SystemSampler::SystemSampler(QObject* parent) : QObject(parent), m_worker(new QObject) {
    m_thread.setObjectName(u"sampler"_s);
    m_worker->moveToThread(&m_thread);
    connect(&m_thread, &QThread::finished, m_worker, &QObject::deleteLater);
    connect(&m_thread, &QThread::started, m_worker, [this] {
        auto* timer = new QTimer(m_worker);
        const auto nvml = std::make_shared<Nvml>();
        const auto look = [this, nvml] {
            SystemSample sample = sampleMemory();
            sample.gpus = nvml->sample();
            QMetaObject::invokeMethod(
                this, [this, sample] { emit sampled(sample); }, Qt::QueuedConnection);
        };
        connect(timer, &QTimer::timeout, m_worker, look);
        timer->start(kIntervalMs);
        look();
    });
}

SystemSampler::~SystemSampler() {
    if (!m_thread.isRunning()) {
        delete m_worker;
        return;
    }
    m_thread.quit();
    m_thread.wait();
}

void SystemSampler::start() {
    m_thread.start(QThread::LowestPriority);
}

QString SystemSampler::cpuText() {
    QString simd;
#if defined(__x86_64__)
    simd = __builtin_cpu_supports("avx512f") != 0 ? u" AVX-512"_s
           : __builtin_cpu_supports("avx2") != 0  ? u" AVX2"_s
                                                  : QString();
#elif defined(__aarch64__)
    simd = u" NEON"_s;
#endif
    return tr("%n core(s)", nullptr, base::threadCount()) + simd;
}

} // namespace fairy2::docks
