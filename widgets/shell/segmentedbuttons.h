// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QFrame>

class QButtonGroup;
class QHBoxLayout;

namespace fairy2::shell {

/// A row of mutually exclusive choices, each with a stable id: "tensor | row | tile64".
class SegmentedButtons : public QFrame {
    Q_OBJECT
public:
    /// `name` is the accessible name of the choice as a whole ("Scale granularity").
    explicit SegmentedButtons(const QString& name, QWidget* parent = nullptr);

    void addOption(const QString& id, const QString& text, const QString& toolTip = {});
    /// Removes all options; current() is then empty.
    void clear();
    [[nodiscard]] QString current() const;
    /// Selects without emitting chosen(); an unknown id changes nothing.
    void setCurrent(const QString& id);
    void setOptionEnabled(const QString& id, bool enabled, const QString& whyNot = {});

signals:
    /// The user chose another option.
    void chosen(const QString& id);

private:
    QButtonGroup* m_group;
    QHBoxLayout* m_row;
};

} // namespace fairy2::shell
