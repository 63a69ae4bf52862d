// SPDX-License-Identifier: Apache-2.0
#include "shell/mainwindow.h"

#include "dialogs/aboutdialog.h"
#include "dialogs/helpdialog.h"
#include "dialogs/shortcutsdialog.h"
#include "docks/docktitle.h"
#include "docks/gpudock.h"
#include "docks/jobsdock.h"
#include "docks/jobstrip.h"
#include "docks/logdock.h"
#include "docks/systemsampler.h"
#include "shell/actionregistry.h"
#include "shell/headerbar.h"
#include "shell/noticebar.h"
#include "shell/page.h"
#include "shell/pagefactory.h"
#include "shell/pickfile.h"
#include "shell/registryservice.h"
#include "shell/settings.h"
#include "shell/sidebar.h"
#include "shell/statusstrip.h"
#include "shell/theme.h"
#include "shell/workspace.h"

#include <QActionGroup>
#include <QCloseEvent>
#include <QDockWidget>
#include <QHBoxLayout>
#include <QMenu>
#include <QMimeData>
#include <QPushButton>
#include <QSettings>
#include <QStackedWidget>
#include <QTimer>
#include <QToolBar>
#include <QVBoxLayout>

using namespace Qt::StringLiterals;

namespace fairy2::shell {
namespace {

// Bump when docks or bars change, so that an older saved layout is ignored.
constexpr int kLayoutVersion = 1;
constexpr auto kGeometryKey = "layout/geometry"_L1;
constexpr auto kStateKey = "layout/state"_L1;
constexpr auto kPageKey = "layout/page"_L1;
constexpr auto kThemeKey = "view/theme"_L1;

QString droppedModel(const QMimeData& data) {
    if (data.hasUrls() && !data.urls().isEmpty() && data.urls().first().isLocalFile())
        return data.urls().first().toLocalFile();
    const QString text = data.text().trimmed();
    const bool looksLikeRepository = text.count(u'/') == 1 && !text.contains(u' ') && !text.contains(u'\n');
    return looksLikeRepository ? text : QString();
}

} // namespace

MainWindow::MainWindow(Workspace& workspace, QWidget* parent)
    : QMainWindow(parent), m_workspace(workspace), m_header(new HeaderBar), m_notice(new NoticeBar),
      m_sideBar(new SideBar), m_stack(new QStackedWidget), m_jobStrip(new docks::JobStrip(workspace.jobs())),
      m_status(new StatusStrip(workspace)), m_sampler(new docks::SystemSampler(this)) {
    setObjectName(u"mainWindow"_s);
    setWindowTitle(u"Fairy2"_s);
    setWindowIcon(QIcon(u":/icons/fairy2.svg"_s));
    setAcceptDrops(true);
    setDockNestingEnabled(false);
    setContextMenuPolicy(Qt::NoContextMenu);
    resize(1440, 900);

    auto* top = new QWidget;
    auto* topColumn = new QVBoxLayout(top);
    topColumn->setContentsMargins(0, 0, 0, 0);
    topColumn->setSpacing(0);
    topColumn->addWidget(m_header);
    topColumn->addWidget(m_notice);
    setMenuWidget(top);

    auto* center = new QWidget;
    auto* row = new QHBoxLayout(center);
    row->setContentsMargins(0, 0, 0, 0);
    row->setSpacing(0);
    row->addWidget(m_sideBar);
    m_stack->setContentsMargins(12, 12, 12, 12);
    row->addWidget(m_stack, 1);
    setCentralWidget(center);

    auto* bottom = new QWidget;
    auto* bottomColumn = new QVBoxLayout(bottom);
    bottomColumn->setContentsMargins(0, 0, 0, 0);
    bottomColumn->setSpacing(0);
    bottomColumn->addWidget(m_jobStrip);
    bottomColumn->addWidget(m_status);
    auto* bar = new QToolBar(tr("Status"));
    bar->setObjectName(u"bottomBar"_s);
    bar->setMovable(false);
    bar->addWidget(bottom);
    bottom->setSizePolicy(QSizePolicy::Expanding, QSizePolicy::Fixed);
    addToolBar(Qt::BottomToolBarArea, bar);

    buildDocks();
    buildActions();
    buildMenu();
    connect(m_sideBar, &SideBar::chosen, this, &MainWindow::showPage);
    connect(&workspace, &Workspace::pageRequested, this, &MainWindow::showPage);
    connect(&workspace, &Workspace::dialogRequested, this, &MainWindow::showDialog);
    connect(&workspace, &Workspace::noticed, m_notice, &NoticeBar::show);
    connect(&workspace, &Workspace::openFailed, this, [this](const QString&, const base::Error& error) {
        m_notice->show(tr("Cannot open: %1").arg(QString::fromStdString(error.sentence())));
    });
    connect(&workspace, &Workspace::checkpointChanged, m_notice, &QWidget::hide);
    connect(m_sampler, &docks::SystemSampler::sampled, m_status, &StatusStrip::showSample);
    setFocusPolicy(Qt::ClickFocus);
    setFocus();
    m_defaultLayout = saveState(kLayoutVersion);
    restoreLayout();
    showPage(settings().value(kPageKey, u"models"_s).toString());
    if (m_current.isEmpty()) showPage(u"models"_s);
}

MainWindow::~MainWindow() = default;

void MainWindow::buildDocks() {
    auto* gpu = new docks::GpuDock;
    connect(m_sampler, &docks::SystemSampler::sampled, gpu, &docks::GpuDock::showSample);
    struct Entry {
        QString id;
        QString title;
        QWidget* content;
    };
    const Entry entries[] = {{u"jobs"_s, tr("Jobs"), new docks::JobsDock(m_workspace.jobs())},
                             {u"log"_s, tr("Log"), new docks::LogDock(m_workspace.log())},
                             {u"gpu"_s, tr("GPU"), gpu}};
    for (const auto& [id, title, content] : entries) {
        auto* dock = new QDockWidget(title);
        dock->setObjectName(u"dock."_s + id);
        dock->setAccessibleName(title);
        dock->setTitleBarWidget(new docks::DockTitle(dock));
        content->setAttribute(Qt::WA_StyledBackground);
        dock->setWidget(content);
        dock->setFeatures(QDockWidget::DockWidgetClosable | QDockWidget::DockWidgetMovable);
        dock->setAllowedAreas(Qt::BottomDockWidgetArea | Qt::RightDockWidgetArea);
        addDockWidget(Qt::BottomDockWidgetArea, dock);
        dock->hide();
        auto* toggle = dock->toggleViewAction();
        toggle->setObjectName(u"view."_s + id);
        m_jobStrip->addDockAction(toggle, id == u"jobs"_s);
    }
}

void MainWindow::buildActions() {
    auto& actions = m_workspace.actions();
    const QString file = tr("File");
    const QString view = tr("View");
    const QString help = tr("Help");
    const auto toolTip = [](const QAction* action) {
        return action->text().remove(u'&') + u" ("_s + action->shortcut().toString(QKeySequence::NativeText) +
               u')';
    };

    auto* open =
        actions.add(u"file.open"_s, tr("Open model…"), file, QKeySequence::Open, [this] { openModel(); });
    actions.add(u"file.demo"_s, tr("Open the bundled demo"), file, {}, [this] { m_workspace.openDemo(); });
    actions.add(u"view.palette"_s, tr("Command palette"), view, QKeySequence(u"Ctrl+Shift+P"_s),
                [this] { showPalette(); });

    auto* openButton = m_header->addButton(tr("Open…"), u"openButton"_s);
    openButton->setToolTip(toolTip(open));
    connect(openButton, &QPushButton::clicked, open, &QAction::trigger);
    connect(m_header->searchField(), &QPushButton::clicked, this, &MainWindow::showPalette);

    for (const auto& entry : dialogEntries()) {
        auto* action = actions.add(u"dialog."_s + entry.id, entry.title, file, QKeySequence(entry.shortcut),
                                   [this, id = entry.id] { showDialog(id); });
        auto* button = m_header->addButton(entry.title, entry.id + u"Button"_s);
        button->setToolTip(toolTip(action));
        connect(button, &QPushButton::clicked, action, &QAction::trigger);
    }

    int number = 0;
    for (const auto& entry : pageEntries()) {
        auto* action =
            actions.add(u"page."_s + entry.id, entry.title, tr("Page"),
                        QKeySequence(u"Ctrl+%1"_s.arg(++number)), [this, id = entry.id] { showPage(id); });
        m_sideBar->addPage(entry.id, entry.title, entry.icon, toolTip(action));
        if (entry.id != u"train"_s) continue;
        auto* button = m_header->addButton(entry.title, u"trainButton"_s, true);
        connect(button, &QPushButton::clicked, action, &QAction::trigger);
    }

    for (auto* dock : findChildren<QDockWidget*>()) {
        auto* toggle = dock->toggleViewAction();
        actions.add(toggle->objectName() + u".toggle"_s, tr("Show or hide %1").arg(dock->windowTitle()), view,
                    {}, [toggle] { toggle->trigger(); });
    }
    const std::pair<SchemeWish, QString> schemes[] = {{SchemeWish::System, tr("Colours: as the system")},
                                                      {SchemeWish::Light, tr("Colours: light")},
                                                      {SchemeWish::Dark, tr("Colours: dark")}};
    auto* group = new QActionGroup(this);
    for (const auto& [wish, text] : schemes) {
        auto* action =
            actions.add(u"view.theme.%1"_s.arg(static_cast<int>(wish)), text, view, {}, [wish = wish] {
                Theme::instance().setWish(wish);
                settings().setValue(kThemeKey, static_cast<int>(wish));
            });
        action->setCheckable(true);
        action->setChecked(Theme::instance().wish() == wish);
        group->addAction(action);
    }
    actions.add(u"view.restoreLayout"_s, tr("Restore default layout"), view, {},
                [this] { restoreDefaultLayout(); });

    actions.add(u"help.w2"_s, tr("What is W2?"), help, QKeySequence::HelpContents,
                [this] { (new dialogs::HelpDialog(this))->open(); });
    actions.add(u"help.shortcuts"_s, tr("Shortcuts"), help, QKeySequence(u"?"_s),
                [this] { (new dialogs::ShortcutsDialog(m_workspace.actions(), this))->open(); });
    actions.add(u"help.about"_s, tr("About Fairy2"), help, {},
                [this] { (new dialogs::AboutDialog(this))->open(); });
    auto* quit = actions.add(u"file.quit"_s, tr("Quit"), file, QKeySequence::Quit, [this] { close(); });
    quit->setMenuRole(QAction::QuitRole);
    actions.add(u"file.menu"_s, tr("Open the menu"), view, QKeySequence(Qt::Key_F10),
                [this] { m_header->findChild<QPushButton*>(u"product"_s)->showMenu(); });
    addActions(actions.actions());
    connect(&actions, &ActionRegistry::actionAdded, this, [this](QAction* action) { addAction(action); });
}

void MainWindow::buildMenu() {
    auto* menu = new QMenu(this);
    menu->setObjectName(u"mainMenu"_s);
    const auto add = [menu, this](const char* id) {
        menu->addAction(m_workspace.actions().find(QString::fromLatin1(id)));
    };
    add("file.open");
    auto* recent = menu->addMenu(tr("Open recent"));
    connect(recent, &QMenu::aboutToShow, this, [this, recent] { fillRecentMenu(*recent); });
    add("file.demo");
    for (const auto& entry : dialogEntries())
        menu->addAction(m_workspace.actions().find(u"dialog."_s + entry.id));
    menu->addSeparator();
    auto* docks = menu->addMenu(tr("Docks"));
    for (auto* dock : findChildren<QDockWidget*>())
        docks->addAction(dock->toggleViewAction());
    auto* colors = menu->addMenu(tr("Colours"));
    for (int wish = 0; wish < 3; ++wish)
        colors->addAction(m_workspace.actions().find(u"view.theme.%1"_s.arg(wish)));
    add("view.palette");
    add("view.restoreLayout");
    menu->addSeparator();
    add("help.w2");
    add("help.shortcuts");
    add("help.about");
    menu->addSeparator();
    add("file.quit");
    m_header->setMenu(menu);
}

void MainWindow::fillRecentMenu(QMenu& menu) {
    menu.clear();
    for (const QString& path : m_workspace.recent())
        menu.addAction(path, &m_workspace, [this, path] { m_workspace.open(path); });
    if (menu.isEmpty()) menu.addAction(tr("Nothing opened yet"))->setEnabled(false);
    menu.addSeparator();
    menu.addAction(tr("Forget these"), &m_workspace, &Workspace::clearRecent);
}

Page* MainWindow::page(const QString& id) {
    if (auto* existing = m_pages.value(id)) return existing;
    for (const auto& entry : pageEntries()) {
        if (entry.id != id) continue;
        auto* made = entry.create(m_workspace, m_stack);
        made->setObjectName(u"pageWidget."_s + id);
        made->setAccessibleName(entry.title);
        m_stack->addWidget(made);
        m_pages.insert(id, made);
        connect(made, &Page::breadcrumbChanged, this, &MainWindow::showBreadcrumb);
        return made;
    }
    return nullptr;
}

void MainWindow::showPage(const QString& id) {
    auto* next = page(id);
    if (next == nullptr) return;
    if (id != m_current) {
        if (auto* left = m_pages.value(m_current)) left->deactivate();
        m_current = id;
        m_stack->setCurrentWidget(next);
        settings().setValue(kPageKey, id);
        next->activate();
    }
    m_sideBar->setCurrent(id);
    showBreadcrumb();
}

void MainWindow::showBreadcrumb() {
    if (const auto* current = m_pages.value(m_current)) m_header->setBreadcrumb(current->breadcrumb());
}

QDialog* MainWindow::showDialog(const QString& id, const QString& argument) {
    for (const auto& entry : dialogEntries()) {
        if (entry.id != id) continue;
        auto* dialog = entry.create(m_workspace, this, argument);
        dialog->setObjectName(u"dialog."_s + id);
        dialog->setAttribute(Qt::WA_DeleteOnClose);
        dialog->open();
        return dialog;
    }
    return nullptr;
}

void MainWindow::showPalette() {
    if (m_palette != nullptr) return;
    QList<CommandPalette::Source> sources = m_paletteSources;
    sources.append([this] {
        QList<PaletteItem> items;
        for (const QString& path : m_workspace.recent())
            items.append({path, tr("recent model"), {}, [this, path] { m_workspace.open(path); }});
        return items;
    });
    m_palette = new CommandPalette(m_workspace.actions(), sources, this);
    const auto* field = m_header->searchField();
    const QPoint below = field->mapToGlobal(QPoint(field->width() - m_palette->width(), field->height() + 4));
    m_palette->move(below);
    m_palette->show();
}

void MainWindow::openModel() {
    PickFile::folder(this, u"model"_s, tr("Open model folder"),
                     [this](const QString& path) { m_workspace.open(path); });
}

void MainWindow::restoreDefaultLayout() {
    for (auto* dock : findChildren<QDockWidget*>())
        dock->hide();
    restoreState(m_defaultLayout, kLayoutVersion);
    resize(1440, 900);
}

void MainWindow::restoreLayout() {
    restoreGeometry(settings().value(kGeometryKey).toByteArray());
    // A layout that does not fit this version, or is damaged, leaves the default in place.
    restoreState(settings().value(kStateKey).toByteArray(), kLayoutVersion);
}

void MainWindow::startServices() {
    if (m_started) return;
    m_started = true;
    m_workspace.registry().start();
    m_sampler->start();
}

void MainWindow::closeEvent(QCloseEvent* event) {
    settings().setValue(kGeometryKey, saveGeometry());
    settings().setValue(kStateKey, saveState(kLayoutVersion));
    m_workspace.jobs().cancelAll();
    QMainWindow::closeEvent(event);
}

void MainWindow::showEvent(QShowEvent* event) {
    QMainWindow::showEvent(event);
    // Behind the first paint: threads and libraries that the first picture does not need.
    QTimer::singleShot(0, this, &MainWindow::startServices);
}

void MainWindow::dragEnterEvent(QDragEnterEvent* event) {
    if (!droppedModel(*event->mimeData()).isEmpty()) event->acceptProposedAction();
}

void MainWindow::dropEvent(QDropEvent* event) {
    const QString model = droppedModel(*event->mimeData());
    if (model.isEmpty()) return;
    event->acceptProposedAction();
    showPage(u"models"_s);
    m_workspace.open(model);
}

bool MainWindow::event(QEvent* event) {
    if (event->type() == QEvent::WindowActivate) m_workspace.registry().refresh();
    return QMainWindow::event(event);
}

} // namespace fairy2::shell
