// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QObject>
#include <QPointer>
#include <QTimer>

#include <functional>
#include <vector>

namespace fairy2::shell {

class MainWindow;

/// Walks every page, dialog and wizard step of the window in light and dark and writes a PNG of each:
/// "models-light.png", with "@2x" before the suffix on a screen of scale 2. Each step waits until no job
/// runs.
class ScreenshotTour : public QObject {
    Q_OBJECT
public:
    /// `model` is opened for the pictures; empty = the bundled demo.
    ScreenshotTour(MainWindow& window, const QString& folder, const QString& model,
                   QObject* parent = nullptr);
    void start();

signals:
    /// All pictures are written; `failed` names those that could not be.
    void finished(const QStringList& failed);

private:
    struct Step {
        std::function<void()> act; ///< brings something to the screen
        QString picture;           ///< and this is its name; empty = no picture of it
    };
    void planScheme(const QString& scheme);
    void planDialogs(const QString& scheme);
    void planWizard(const QString& id, const QString& scheme);
    void next();
    void settle();
    void grab(const QString& name);

    MainWindow& m_window;
    QString m_folder;
    QString m_model;
    std::vector<Step> m_steps;
    std::size_t m_at = 0;
    QTimer m_timer;
    int m_quietTicks = 0;
    int m_ticks = 0;
    QStringList m_failed;
};

} // namespace fairy2::shell
