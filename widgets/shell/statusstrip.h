// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QFrame>

class QLabel;
class QProgressBar;

namespace fairy2::docks {
struct SystemSample;
}

namespace fairy2::shell {

class Workspace;

/// The last line of the window: processor, memory bars of the machine and its first GPU, the registry.
class StatusStrip : public QFrame {
    Q_OBJECT
public:
    explicit StatusStrip(Workspace& workspace, QWidget* parent = nullptr);
    void showSample(const docks::SystemSample& sample);

private:
    void showRegistry();

    Workspace& m_workspace;
    QProgressBar* m_memoryBar;
    QLabel* m_memory;
    QLabel* m_gpuName;
    QProgressBar* m_gpuBar;
    QLabel* m_gpu;
    QLabel* m_registry;
};

} // namespace fairy2::shell
