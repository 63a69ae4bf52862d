// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QWidget>

class QLabel;
class QStandardItemModel;

namespace fairy2::shell {
class TableView;
}

namespace fairy2::docks {

struct SystemSample;

/// The GPUs of this machine: memory, load, temperature, power. Without one it says what runs where.
class GpuDock : public QWidget {
    Q_OBJECT
public:
    explicit GpuDock(QWidget* parent = nullptr);
    void showSample(const SystemSample& sample);

private:
    QLabel* m_none;
    shell::TableView* m_table;
    QStandardItemModel* m_model;
};

} // namespace fairy2::docks
