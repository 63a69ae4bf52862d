// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QAbstractButton>

namespace fairy2::pages {

/// One recipe to start from: its name, and its bits and what it is for below. Checked = the
/// training group that is chosen now.
class PresetCard final : public QAbstractButton {
    Q_OBJECT
public:
    PresetCard(const QString& option, const QString& title, const QString& text, QWidget* parent = nullptr);
    /// The option of the configuration group, "fairy2_w2".
    [[nodiscard]] const QString& option() const noexcept { return m_option; }
    [[nodiscard]] QSize sizeHint() const override;
    [[nodiscard]] QSize minimumSizeHint() const override;

protected:
    void paintEvent(QPaintEvent* event) override;
    bool event(QEvent* event) override;

private:
    QString m_option;
    QString m_text;
};

} // namespace fairy2::pages
