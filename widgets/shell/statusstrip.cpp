// SPDX-License-Identifier: Apache-2.0
#include "shell/statusstrip.h"

#include "docks/systemsampler.h"
#include "shell/registryservice.h"
#include "shell/theme.h"
#include "shell/workspace.h"

#include <QHBoxLayout>
#include <QLabel>
#include <QProgressBar>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

QString gibibytes(quint64 bytes) {
    return QString::number(static_cast<double>(bytes) / (1ULL << 30U), 'f', 1);
}

QProgressBar* makeBar(const QString& name) {
    auto* bar = new QProgressBar;
    bar->setTextVisible(false);
    bar->setFixedWidth(90);
    bar->setRange(0, 1000);
    bar->setAccessibleName(name);
    return bar;
}

int permille(quint64 part, quint64 whole) {
    return whole == 0 ? 0 : static_cast<int>(static_cast<double>(part) / static_cast<double>(whole) * 1000.0);
}

QString shortName(QString gpu) {
    return gpu.remove(u"NVIDIA "_s).remove(u"GeForce "_s).section(u' ', 0, 1).section(u'-', 0, 0);
}

} // namespace

StatusStrip::StatusStrip(Workspace& workspace, QWidget* parent)
    : QFrame(parent), m_workspace(workspace), m_memoryBar(makeBar(tr("Memory in use"))), m_memory(new QLabel),
      m_gpuName(new QLabel), m_gpuBar(makeBar(tr("GPU memory in use"))), m_gpu(new QLabel),
      m_registry(new QLabel) {
    setObjectName(u"statusStrip"_s);
    setFixedHeight(28);
    auto* row = new QHBoxLayout(this);
    row->setContentsMargins(12, 1, 12, 0);
    row->setSpacing(8);
    auto* cpu = new QLabel(tr("CPU %1").arg(docks::SystemSampler::cpuText()));
    auto* ram = new QLabel(tr("RAM"));
    m_registry->setObjectName(u"registryStatus"_s);
    for (QWidget* widget :
         {static_cast<QWidget*>(cpu), static_cast<QWidget*>(ram), static_cast<QWidget*>(m_memoryBar),
          static_cast<QWidget*>(m_memory), static_cast<QWidget*>(m_gpuName), static_cast<QWidget*>(m_gpuBar),
          static_cast<QWidget*>(m_gpu)})
        row->addWidget(widget, 0, Qt::AlignVCenter);
    row->insertSpacing(1, 8);
    row->addStretch();
    row->addWidget(m_registry);
    for (auto* label : {cpu, ram, m_memory, m_gpuName, m_gpu, m_registry}) {
        label->setFont(Theme::font(TextSize::Table));
        label->setProperty("role", u"secondary"_s);
    }
    m_gpuName->hide();
    m_gpuBar->hide();
    m_gpu->hide();
    connect(&workspace.registry(), &RegistryService::runsChanged, this, &StatusStrip::showRegistry);
    connect(&workspace.registry(), &RegistryService::statusChanged, this, &StatusStrip::showRegistry);
    showRegistry();
}

void StatusStrip::showSample(const docks::SystemSample& sample) {
    m_memoryBar->setValue(permille(sample.memoryUsed, sample.memoryTotal));
    m_memory->setText(tr("%1 / %2 GiB").arg(gibibytes(sample.memoryUsed), gibibytes(sample.memoryTotal)));
    m_memory->setToolTip(tr("This window uses %1 GiB").arg(gibibytes(sample.processMemory)));
    const bool gpu = !sample.gpus.isEmpty();
    m_gpuName->setVisible(gpu);
    m_gpuBar->setVisible(gpu);
    m_gpu->setVisible(gpu);
    if (!gpu) return;
    const auto& first = sample.gpus.first();
    m_gpuName->setText(tr("GPU 0 %1").arg(shortName(first.name)));
    m_gpuBar->setValue(permille(first.memoryUsed, first.memoryTotal));
    QString text = tr("%1 / %2 GiB").arg(gibibytes(first.memoryUsed), gibibytes(first.memoryTotal));
    if (first.utilization >= 0) text += u" · %1 %"_s.arg(first.utilization);
    if (sample.gpus.size() > 1)
        text += u" · "_s + tr("+%n more", nullptr, static_cast<int>(sample.gpus.size()) - 1);
    m_gpu->setText(text);
}

void StatusStrip::showRegistry() {
    const auto& registry = m_workspace.registry();
    const int count = static_cast<int>(registry.runs().size());
    QString text = tr("registry: opening …");
    if (registry.isReady()) {
        const QString state = registry.isFollower() ? tr("another window keeps it up to date") : tr("saved");
        text = tr("registry: %n run(s)", nullptr, count) + u" · "_s + state;
    }
    if (!registry.failure().isEmpty()) text = tr("registry: not available");
    m_registry->setText(text);
    m_registry->setToolTip(registry.failure());
}

} // namespace fairy2::shell
