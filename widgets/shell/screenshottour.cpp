// SPDX-License-Identifier: Apache-2.0
#include "shell/screenshottour.h"

#include "shell/actionregistry.h"
#include "shell/mainwindow.h"
#include "shell/pagefactory.h"
#include "shell/theme.h"
#include "shell/workspace.h"

#include <QApplication>
#include <QDialog>
#include <QDir>
#include <QDockWidget>
#include <QPixmap>
#include <QWizard>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

constexpr int kTickMs = 50;
// A page is settled when nothing has run for this long: plots draw every 80 ms, the registry looks every 500.
constexpr int kQuietTicks = 16;
constexpr int kPatience = 60 * 1000 / kTickMs;

QWidget* topDialog(const MainWindow& window) {
    if (auto* popup = QApplication::activePopupWidget()) return popup;
    const auto dialogs = window.findChildren<QDialog*>();
    for (auto it = dialogs.rbegin(); it != dialogs.rend(); ++it)
        if ((*it)->isVisible()) return *it;
    return nullptr;
}

void closeDialogs(const MainWindow& window) {
    while (auto* dialog = topDialog(window))
        dialog->close();
}

} // namespace

ScreenshotTour::ScreenshotTour(MainWindow& window, const QString& folder, const QString& model,
                               QObject* parent)
    : QObject(parent), m_window(window), m_folder(folder),
      m_model(model.isEmpty() ? Workspace::demoPath() : model) {
    m_timer.setInterval(kTickMs);
    connect(&m_timer, &QTimer::timeout, this, &ScreenshotTour::settle);
}

void ScreenshotTour::start() {
    QDir().mkpath(m_folder);
    for (const auto& entry : pageEntries())
        m_steps.push_back({[this, id = entry.id] { m_window.showPage(id); }, entry.id + u"-empty"_s});
    m_steps.push_back({[this] {
                           m_window.showPage(u"models"_s);
                           m_window.workspace().open(m_model);
                       },
                       {}});
    planScheme(u"light"_s);
    planScheme(u"dark"_s);
    next();
}

void ScreenshotTour::planScheme(const QString& scheme) {
    m_steps.push_back(
        {[scheme] { Theme::instance().setWish(scheme == u"dark"_s ? SchemeWish::Dark : SchemeWish::Light); },
         {}});
    for (const auto& entry : pageEntries())
        m_steps.push_back({[this, id = entry.id] { m_window.showPage(id); }, entry.id + u'-' + scheme});
    m_steps.push_back({[this] { m_window.showPage(pageEntries().front().id); }, {}});
    planDialogs(scheme);
}

void ScreenshotTour::planDialogs(const QString& scheme) {
    for (auto* dock : m_window.findChildren<QDockWidget*>()) {
        m_steps.push_back({[dock] { dock->show(); }, dock->objectName().replace(u'.', u'-') + u'-' + scheme});
        m_steps.push_back({[dock] { dock->hide(); }, {}});
    }
    const auto& actions = m_window.workspace().actions();
    for (const QString& id : {u"view.palette"_s, u"help.w2"_s, u"help.shortcuts"_s, u"help.about"_s}) {
        m_steps.push_back({[&actions, id] { actions.find(id)->trigger(); },
                           QString(id).replace(u'.', u'-') + u'-' + scheme});
        m_steps.push_back({[this] { closeDialogs(m_window); }, {}});
    }
    for (const auto& entry : dialogEntries()) {
        m_steps.push_back({[this, id = entry.id, scheme] {
                               m_window.showDialog(id);
                               if (qobject_cast<QWizard*>(topDialog(m_window)) != nullptr)
                                   planWizard(id, scheme);
                           },
                           u"dialog-"_s + entry.id + u"-1-"_s + scheme});
        m_steps.push_back({[this] { closeDialogs(m_window); }, {}});
    }
}

// How many steps a wizard has is known only once it is open: they are put in behind the present step.
void ScreenshotTour::planWizard(const QString& id, const QString& scheme) {
    const auto* wizard = qobject_cast<QWizard*>(topDialog(m_window));
    std::vector<Step> more;
    for (qsizetype page = 2; page <= wizard->pageIds().size(); ++page)
        more.push_back({[this] {
                            auto* open = qobject_cast<QWizard*>(topDialog(m_window));
                            if (open != nullptr && open->currentPage()->isComplete()) open->next();
                        },
                        u"dialog-%1-%2-%3"_s.arg(id).arg(page).arg(scheme)});
    m_steps.insert(m_steps.begin() + static_cast<std::ptrdiff_t>(m_at) + 1, more.begin(), more.end());
}

void ScreenshotTour::next() {
    if (m_at >= m_steps.size()) {
        emit finished(m_failed);
        return;
    }
    const auto act = m_steps[m_at].act;
    act();
    m_quietTicks = 0;
    m_ticks = 0;
    m_timer.start();
}

void ScreenshotTour::settle() {
    ++m_ticks;
    m_quietTicks = m_window.workspace().jobs().isBusy() ? 0 : m_quietTicks + 1;
    if (m_quietTicks < kQuietTicks && m_ticks < kPatience) return;
    m_timer.stop();
    if (const QString picture = m_steps[m_at].picture; !picture.isEmpty()) grab(picture);
    ++m_at;
    next();
}

void ScreenshotTour::grab(const QString& name) {
    auto* dialog = topDialog(m_window);
    const QPixmap picture = dialog != nullptr ? dialog->grab() : m_window.grab();
    const bool twice = m_window.devicePixelRatioF() > 1.5;
    const QString file = QDir(m_folder).filePath(name + (twice ? u"@2x.png"_s : u".png"_s));
    if (!picture.save(file)) m_failed.append(file);
}

} // namespace fairy2::shell
