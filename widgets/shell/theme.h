// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shell/colors.h"

#include <QFont>
#include <QIcon>
#include <QObject>

class QDBusVariant;

namespace fairy2::shell {

/// What the user asked for; System follows the desktop's colour scheme and its changes.
enum class SchemeWish { System, Light, Dark };

enum class TextSize { Body, Table, Axis }; ///< 13, 12 and 11 px

/// The look of the whole program: Fusion with our palette and a small style sheet, in light and dark.
/// Painted widgets read colors() when they paint and repaint on changed().
class Theme : public QObject {
    Q_OBJECT
public:
    /// The one theme of the application; made on first use, owned by the QApplication.
    static Theme& instance();

    /// Style, font and palette of the application; call once, before the first window.
    void install();

    [[nodiscard]] Scheme scheme() const { return m_scheme; }
    [[nodiscard]] const Colors& colors() const { return colorsOf(m_scheme); }
    [[nodiscard]] SchemeWish wish() const { return m_wish; }
    void setWish(SchemeWish wish);

    /// The interface font; its digits are all of one width.
    [[nodiscard]] static QFont font(TextSize size, bool strong = false);

    /// An icon of resources/icons in the colours of the scheme: secondary when off, accent when on.
    [[nodiscard]] QIcon icon(const QString& name) const;

signals:
    /// The colours are others now; palette and style sheet are already in place.
    void changed();

private slots:
    void onPortalSetting(const QString& space, const QString& key, const QDBusVariant& value);

private:
    explicit Theme(QObject* parent);
    void followDesktop();
    void setDesktopScheme(Scheme scheme);
    void apply();

    SchemeWish m_wish = SchemeWish::System;
    Scheme m_desktop = Scheme::Light;
    Scheme m_scheme = Scheme::Light;
    bool m_installed = false;
};

} // namespace fairy2::shell
