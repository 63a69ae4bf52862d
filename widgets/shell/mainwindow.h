// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "shell/commandpalette.h"

#include <QHash>
#include <QMainWindow>
#include <QPointer>

class QStackedWidget;

namespace fairy2::docks {
class JobStrip;
class SystemSampler;
} // namespace fairy2::docks

namespace fairy2::shell {

class HeaderBar;
class NoticeBar;
class Page;
class SideBar;
class StatusStrip;
class Workspace;

/// The window: header, left bar, one page at a time, bottom docks, job strip, status strip. Pages and dialogs
/// come from pagefactory.h and are made when they are first asked for.
class MainWindow : public QMainWindow {
    Q_OBJECT
public:
    explicit MainWindow(Workspace& workspace, QWidget* parent = nullptr);
    ~MainWindow() override;

    [[nodiscard]] Workspace& workspace() { return m_workspace; }
    /// The id of the page in front ("models").
    [[nodiscard]] QString currentPage() const { return m_current; }
    /// The page, made now if need be; null for an unknown id.
    Page* page(const QString& id);
    /// Makes the dialog of a DialogEntry and shows it; null for an unknown id.
    QDialog* showDialog(const QString& id, const QString& argument = {});
    /// Layers, models and runs for the command palette.
    void addPaletteSource(CommandPalette::Source source) { m_paletteSources.append(std::move(source)); }

public slots:
    void showPage(const QString& id);
    void showPalette();
    void openModel();
    void restoreDefaultLayout();

protected:
    void closeEvent(QCloseEvent* event) override;
    void showEvent(QShowEvent* event) override;
    void dragEnterEvent(QDragEnterEvent* event) override;
    void dropEvent(QDropEvent* event) override;
    bool event(QEvent* event) override;

private:
    void buildActions();
    void buildMenu();
    void buildDocks();
    void fillRecentMenu(QMenu& menu);
    void showBreadcrumb();
    void restoreLayout();
    void startServices();

    Workspace& m_workspace;
    HeaderBar* m_header;
    NoticeBar* m_notice;
    SideBar* m_sideBar;
    QStackedWidget* m_stack;
    docks::JobStrip* m_jobStrip;
    StatusStrip* m_status;
    docks::SystemSampler* m_sampler;
    QHash<QString, Page*> m_pages;
    QString m_current;
    QList<CommandPalette::Source> m_paletteSources;
    QPointer<CommandPalette> m_palette;
    QByteArray m_defaultLayout;
    bool m_started = false;
};

} // namespace fairy2::shell
