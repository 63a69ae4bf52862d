// SPDX-License-Identifier: Apache-2.0
#include "docks/gpudock.h"

#include "docks/systemsampler.h"
#include "shell/format.h"
#include "shell/tableview.h"

#include <QLabel>
#include <QStandardItemModel>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::docks {
namespace {

constexpr int kColumns = 6;

QString orDash(double value, int digits = 0) {
    return value < 0 ? u"–"_s : shell::numberText(value, digits);
}

QStringList cellsOf(int index, const GpuSample& gpu) {
    const auto gib = [](quint64 bytes) {
        return shell::numberText(static_cast<double>(bytes) / (1ULL << 30U), 1);
    };
    return {u"%1  %2"_s.arg(index).arg(gpu.name),
            gib(gpu.memoryUsed),
            gib(gpu.memoryTotal),
            orDash(gpu.utilization),
            orDash(gpu.temperature),
            orDash(gpu.watts)};
}

} // namespace

GpuDock::GpuDock(QWidget* parent)
    : QWidget(parent),
      m_none(new QLabel(tr("No NVIDIA GPU or driver found on this machine: training, analysis and "
                           "evaluation run on the processor."))),
      m_table(new shell::TableView(tr("GPUs"))), m_model(new QStandardItemModel(0, kColumns, this)) {
    setObjectName(u"gpuDock"_s);
    m_none->setProperty("role", u"secondary"_s);
    m_none->setWordWrap(true);
    m_none->setContentsMargins(12, 8, 12, 8);
    m_none->setAlignment(Qt::AlignTop);
    m_model->setHorizontalHeaderLabels({tr("GPU"), tr("used, GiB"), tr("memory, GiB"), tr("load, %"),
                                        tr("temperature, °C"), tr("power, W")});
    for (int c = 1; c < kColumns; ++c)
        m_model->horizontalHeaderItem(c)->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
    m_table->setObjectName(u"gpuTable"_s);
    m_table->setModel(m_model);
    m_table->setSortingEnabled(false);
    m_table->setColumnWidth(0, 280);
    m_table->hide();
    auto* column = new QVBoxLayout(this);
    column->setContentsMargins(0, 0, 0, 0);
    column->addWidget(m_none);
    column->addWidget(m_table);
}

void GpuDock::showSample(const SystemSample& sample) {
    m_none->setVisible(sample.gpus.isEmpty());
    m_table->setVisible(!sample.gpus.isEmpty());
    m_model->setRowCount(static_cast<int>(sample.gpus.size()));
    for (int row = 0; row < m_model->rowCount(); ++row) {
        const QStringList cells = cellsOf(row, sample.gpus[row]);
        for (int c = 0; c < kColumns; ++c) {
            if (m_model->item(row, c) == nullptr) m_model->setItem(row, c, new QStandardItem);
            auto* item = m_model->item(row, c);
            if (c > 0) item->setTextAlignment(Qt::AlignRight | Qt::AlignVCenter);
            if (item->text() != cells[c]) item->setText(cells[c]);
        }
    }
}

} // namespace fairy2::docks
