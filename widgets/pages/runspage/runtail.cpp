// SPDX-License-Identifier: Apache-2.0
#include "pages/runspage/runtail.h"

#include <algorithm>
#include <fstream>

namespace fairy2::pages {
namespace {

constexpr std::streamoff kConsoleBytes = 64 << 10;
constexpr qsizetype kConsoleLines = 300;
constexpr std::size_t kLayers = 6;

// A console is written by foreign libraries too: no byte of it is trusted to be text.
QStringList consoleTail(const base::Path& file) {
    std::ifstream in(file, std::ios::binary | std::ios::ate);
    if (!in) return {};
    const std::streamoff size = in.tellg();
    const std::streamoff from = std::max<std::streamoff>(0, size - kConsoleBytes);
    in.seekg(from);
    std::string bytes(static_cast<std::size_t>(size - from), '\0');
    in.read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    bytes.resize(static_cast<std::size_t>(in.gcount()));
    QStringList lines = QString::fromUtf8(bytes.data(), static_cast<qsizetype>(bytes.size())).split(u'\n');
    if (from > 0 && !lines.isEmpty()) lines.removeFirst(); // cut by the window of bytes
    while (!lines.isEmpty() && lines.constLast().isEmpty())
        lines.removeLast();
    return lines.mid(std::max<qsizetype>(0, lines.size() - kConsoleLines));
}

} // namespace

void RunTail::take(const base::Json& document) {
    if (!document.is_object() || document.value("type", base::Json()) != "layers") return;
    const auto layers = document.find("layers");
    if (layers == document.end() || !layers->is_array()) return;
    std::vector<LayerFlips> flips;
    for (const auto& layer : *layers) {
        if (!layer.is_object()) continue;
        const auto name = layer.find("name");
        const auto rate = layer.find("flip_rate");
        if (name == layer.end() || rate == layer.end() || !name->is_string() || !rate->is_number()) continue;
        flips.push_back({QString::fromStdString(name->get<std::string>()), rate->get<double>()});
    }
    std::sort(flips.begin(), flips.end(), [](const auto& a, const auto& b) { return a.rate > b.rate; });
    if (flips.size() > kLayers) flips.resize(kLayers);
    m_layers = std::move(flips);
}

base::Result<RunTail::News> RunTail::read() {
    for (const auto& file : runs::logFiles(m_run / "log")) {
        auto& offset = m_offsets[file];
        for (bool more = true; more;) {
            FAIRY2_ASSIGN(const auto chunk, runs::readLog(file, offset));
            for (const auto& record : chunk.records)
                take(record.document);
            more = !chunk.atEnd && chunk.offset > offset;
            offset = chunk.offset;
        }
    }
    return News{consoleTail(m_run / "console.log"), m_layers};
}

} // namespace fairy2::pages
