// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "runs/rundirectory.h"

#include <QString>
#include <QStringList>
#include <map>
#include <optional>
#include <vector>

namespace fairy2::pages {

/// The end of what a run wrote about itself: console lines, and the layers whose codes flip most. Remembers
/// how far it has read; belongs to one worker at a time.
class RunTail {
public:
    explicit RunTail(base::Path run) : m_run(std::move(run)) {}

    struct LayerFlips {
        QString name;
        double rate = 0; ///< share of codes that changed in the last measured step
    };
    struct News {
        QStringList console;            ///< the last lines
        std::vector<LayerFlips> layers; ///< most flips first
    };
    [[nodiscard]] base::Result<News> read();

private:
    void take(const base::Json& document);

    base::Path m_run;
    std::map<base::Path, std::uint64_t> m_offsets;
    std::vector<LayerFlips> m_layers;
};

} // namespace fairy2::pages
