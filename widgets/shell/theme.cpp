// SPDX-License-Identifier: Apache-2.0
#include "shell/theme.h"

#include <QApplication>
#include <QDBusConnection>
#include <QDBusMessage>
#include <QDBusPendingCallWatcher>
#include <QDBusPendingReply>
#include <QDBusVariant>
#include <QFile>
#include <QPainter>
#include <QPalette>
#include <QStyleFactory>
#include <QSvgRenderer>
#include <QTimer>

using namespace Qt::StringLiterals;

// The resources live in a static library: without this call the linker leaves them out. The macro declares a
// global function, so it must stand outside any namespace.
static void initResources() {
    Q_INIT_RESOURCE(resources);
}

namespace fairy2::shell {
namespace {

constexpr auto kAppearance = "org.freedesktop.appearance";
constexpr auto kColorScheme = "color-scheme";

QString readResource(const QString& path) {
    QFile file(path);
    return file.open(QIODevice::ReadOnly) ? QString::fromUtf8(file.readAll()) : QString();
}

QPalette paletteOf(const Colors& c) {
    QPalette p;
    p.setColor(QPalette::Window, c.window);
    p.setColor(QPalette::WindowText, c.text);
    p.setColor(QPalette::Base, c.surface);
    p.setColor(QPalette::AlternateBase, c.window);
    p.setColor(QPalette::Text, c.text);
    p.setColor(QPalette::PlaceholderText, c.secondary);
    p.setColor(QPalette::Button, c.surface);
    p.setColor(QPalette::ButtonText, c.text);
    p.setColor(QPalette::BrightText, c.bad);
    p.setColor(QPalette::ToolTipBase, c.surface);
    p.setColor(QPalette::ToolTipText, c.text);
    p.setColor(QPalette::Highlight, c.accent);
    p.setColor(QPalette::HighlightedText, c.onAccent);
    p.setColor(QPalette::Link, c.accent);
    p.setColor(QPalette::LinkVisited, c.accent);
    p.setColor(QPalette::Light, c.surface);
    p.setColor(QPalette::Midlight, c.line);
    p.setColor(QPalette::Mid, c.line);
    p.setColor(QPalette::Dark, c.line);
    p.setColor(QPalette::Shadow, c.line);
    const QColor faded = mix(c.secondary, c.surface, 0.4);
    for (const auto role : {QPalette::WindowText, QPalette::Text, QPalette::ButtonText})
        p.setColor(QPalette::Disabled, role, faded);
    p.setColor(QPalette::Disabled, QPalette::Highlight, c.line);
    p.setColor(QPalette::Disabled, QPalette::HighlightedText, c.secondary);
    return p;
}

QString styleSheetOf(const Colors& c) {
    QString sheet = readResource(u":/style/fairy2.qss"_s);
    const std::pair<QLatin1StringView, QColor> tokens[] = {
        {"@window"_L1, c.window},
        {"@surface"_L1, c.surface},
        {"@line"_L1, c.line},
        {"@text"_L1, c.text},
        {"@secondary"_L1, c.secondary},
        {"@accentWash"_L1, c.accentWash},
        {"@onAccent"_L1, c.onAccent},
        {"@accent"_L1, c.accent},
        {"@good"_L1, c.good},
        {"@warning"_L1, c.warning},
        {"@bad"_L1, c.bad},
        {"@faded"_L1, mix(c.secondary, c.surface, 0.4)},
        {"@hover"_L1, mix(c.surface, c.secondary, 0.08)},
        {"@pressed"_L1, mix(c.accent, c.text, 0.18)},
    };
    for (const auto& [token, color] : tokens)
        sheet.replace(token, color.name());
    return sheet;
}

QPixmap tinted(const QByteArray& svg, const QColor& color, int side) {
    QByteArray colored = svg;
    colored.replace("currentColor", color.name().toLatin1());
    QSvgRenderer renderer(colored);
    QPixmap pixmap(side, side);
    pixmap.fill(Qt::transparent);
    QPainter painter(&pixmap);
    renderer.render(&painter);
    return pixmap;
}

Scheme schemeOf(const QPalette& palette) {
    const bool dark =
        palette.color(QPalette::Window).lightness() < palette.color(QPalette::WindowText).lightness();
    return dark ? Scheme::Dark : Scheme::Light;
}

} // namespace

Theme& Theme::instance() {
    static Theme* const theme = new Theme(qApp);
    return *theme;
}

Theme::Theme(QObject* parent) : QObject(parent) {
    initResources();
}

void Theme::install() {
    // The palette before ours is the desktop's, as far as its platform plugin tells it.
    m_desktop = schemeOf(QGuiApplication::palette());
    QApplication::setStyle(QStyleFactory::create(u"Fusion"_s));
    QApplication::setFont(font(TextSize::Body));
    m_installed = true;
    apply();
    // Asking the bus may wait for a daemon: after the first paint is early enough.
    QTimer::singleShot(0, this, &Theme::followDesktop);
}

void Theme::setWish(SchemeWish wish) {
    m_wish = wish;
    apply();
}

void Theme::apply() {
    const Scheme before = m_scheme;
    m_scheme = m_wish == SchemeWish::System ? m_desktop
               : m_wish == SchemeWish::Dark ? Scheme::Dark
                                            : Scheme::Light;
    if (m_installed) {
        QApplication::setPalette(paletteOf(colors()));
        qApp->setStyleSheet(styleSheetOf(colors()));
    }
    if (m_scheme != before) emit changed();
}

QFont Theme::font(TextSize size, bool strong) {
    // DejaVu Sans has digits of one width without OpenType features, which Qt 6.4 cannot ask for.
    QFont font;
    font.setFamilies({u"DejaVu Sans"_s, u"Noto Sans"_s, u"Sans Serif"_s});
    font.setPixelSize(size == TextSize::Body ? 13 : size == TextSize::Table ? 12 : 11);
    font.setBold(strong);
    return font;
}

QIcon Theme::icon(const QString& name) const {
    const QByteArray svg = readResource(u":/icons/"_s + name + u".svg"_s).toUtf8();
    QIcon icon;
    for (const int side : {20, 40}) {
        icon.addPixmap(tinted(svg, colors().secondary, side), QIcon::Normal, QIcon::Off);
        icon.addPixmap(tinted(svg, colors().accent, side), QIcon::Normal, QIcon::On);
        icon.addPixmap(tinted(svg, mix(colors().secondary, colors().surface, 0.5), side), QIcon::Disabled,
                       QIcon::Off);
    }
    return icon;
}

// Qt 6.4 has no colour scheme of its own; the desktop portal tells it on every current desktop. All
// calls are asynchronous, and a missing bus simply leaves the platform's palette to decide.
void Theme::followDesktop() {
    auto bus = QDBusConnection::sessionBus();
    if (!bus.isConnected()) return;
    const QString service = u"org.freedesktop.portal.Desktop"_s;
    const QString path = u"/org/freedesktop/portal/desktop"_s;
    const QString interface = u"org.freedesktop.portal.Settings"_s;
    bus.connect(service, path, interface, u"SettingChanged"_s, this,
                SLOT(onPortalSetting(QString, QString, QDBusVariant)));
    auto question = QDBusMessage::createMethodCall(service, path, interface, u"Read"_s);
    question << QString::fromLatin1(kAppearance) << QString::fromLatin1(kColorScheme);
    auto* watcher = new QDBusPendingCallWatcher(bus.asyncCall(question, 2000), this);
    connect(watcher, &QDBusPendingCallWatcher::finished, this, [this, watcher] {
        const QDBusPendingReply<QVariant> reply = *watcher;
        watcher->deleteLater();
        if (reply.isValid())
            onPortalSetting(QString::fromLatin1(kAppearance), QString::fromLatin1(kColorScheme),
                            QDBusVariant(reply.value()));
    });
}

void Theme::onPortalSetting(const QString& space, const QString& key, const QDBusVariant& value) {
    if (space != QLatin1StringView(kAppearance) || key != QLatin1StringView(kColorScheme)) return;
    QVariant inner = value.variant();
    while (inner.canConvert<QDBusVariant>())
        inner = inner.value<QDBusVariant>().variant();
    constexpr uint kPreferDark = 1;
    constexpr uint kPreferLight = 2;
    if (inner.toUInt() == kPreferDark) setDesktopScheme(Scheme::Dark);
    if (inner.toUInt() == kPreferLight) setDesktopScheme(Scheme::Light);
}

void Theme::setDesktopScheme(Scheme scheme) {
    if (scheme == m_desktop) return;
    m_desktop = scheme;
    apply();
}

} // namespace fairy2::shell
