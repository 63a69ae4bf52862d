// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QFrame>

class QHBoxLayout;
class QVBoxLayout;

namespace fairy2::shell {

class ElidedLabel;

/// A surface with a header — title, what it shows, switches at the right — and one widget that fills the
/// rest.
class Card : public QFrame {
    Q_OBJECT
public:
    explicit Card(const QString& title, QWidget* parent = nullptr);

    void setTitle(const QString& title);
    void setSubtitle(const QString& subtitle);
    [[nodiscard]] QString title() const;
    [[nodiscard]] QString subtitle() const;

    /// A switch, pill or button at the right end of the header, after those already there.
    void addHeaderWidget(QWidget* widget);
    /// A widget directly behind the title, e.g. a colour disc or a filter field.
    void addTitleWidget(QWidget* widget, int stretch = 0);
    /// Takes ownership; the former content is deleted. `padding` is on all four sides.
    void setContent(QWidget* content, int padding = 0);
    [[nodiscard]] QWidget* content() const { return m_content; }

private:
    QHBoxLayout* m_header;
    QVBoxLayout* m_body;
    ElidedLabel* m_title;
    ElidedLabel* m_subtitle;
    QHBoxLayout* m_titleExtras;
    QHBoxLayout* m_switches;
    QWidget* m_content = nullptr;
};

/// A one-pixel hairline in the line colour.
class Hairline : public QFrame {
    Q_OBJECT
public:
    explicit Hairline(Qt::Orientation orientation = Qt::Horizontal, QWidget* parent = nullptr);

protected:
    void paintEvent(QPaintEvent* event) override;
};

} // namespace fairy2::shell
