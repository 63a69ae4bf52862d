// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QList>
#include <QObject>
#include <QString>
#include <QThread>

namespace fairy2::docks {

struct GpuSample {
    QString name;
    quint64 memoryUsed = 0; ///< bytes
    quint64 memoryTotal = 0;
    int utilization = -1; ///< percent; −1 = the driver does not tell
    int temperature = -1; ///< °C; −1 = the driver does not tell
    double watts = -1;
};

struct SystemSample {
    quint64 memoryUsed = 0; ///< bytes
    quint64 memoryTotal = 0;
    quint64 processMemory = 0; ///< resident set of this program
    QList<GpuSample> gpus;
};

/// Memory and GPUs of this machine, sampled once a second on a thread of its own, so a stuck driver never
/// stops the window. A machine without a GPU or its driver simply has no GPUs.
class SystemSampler : public QObject {
    Q_OBJECT
public:
    explicit SystemSampler(QObject* parent = nullptr);
    ~SystemSampler() override;
    void start();

    /// "2 cores AVX2": what the statistics kernels run on.
    [[nodiscard]] static QString cpuText();

signals:
    void sampled(const fairy2::docks::SystemSample& sample);

private:
    QThread m_thread;
    QObject* m_worker; // lives on m_thread
};

} // namespace fairy2::docks
