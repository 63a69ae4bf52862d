// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <QFrame>

class QDockWidget;

namespace fairy2::docks {

/// The title bar of a dock: its name and a button that hides it.
class DockTitle : public QFrame {
    Q_OBJECT
public:
    explicit DockTitle(QDockWidget* dock);
};

} // namespace fairy2::docks
