// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QStringList>
#include <QWidget>

namespace fairy2::wizards {

/// The steps of a wizard, top to bottom: done ones ticked, the current one in the accent colour.
class StepList final : public QWidget {
    Q_OBJECT
public:
    explicit StepList(const QStringList& steps, QWidget* parent = nullptr);
    void setCurrent(int step);
    [[nodiscard]] QSize sizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    QStringList m_steps;
    int m_current = 0;
};

} // namespace fairy2::wizards
