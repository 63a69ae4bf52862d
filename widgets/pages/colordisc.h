// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QWidget>

namespace fairy2::pages {

/// The disc in a run's colour that stands beside its name.
class ColorDisc final : public QWidget {
    Q_OBJECT
public:
    explicit ColorDisc(int color = -1, QWidget* parent = nullptr);
    /// Index into the run palette; −1 = neutral.
    void setColor(int color);

protected:
    void paintEvent(QPaintEvent* event) override;

private:
    int m_color;
};

} // namespace fairy2::pages
