// SPDX-License-Identifier: Apache-2.0
#include "table.h"

#include <algorithm>

namespace fairy2::cli {

std::size_t displayWidth(const std::string& text) noexcept {
    return static_cast<std::size_t>(std::count_if(
        text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0U) != 0x80U; }));
}

Table::Table(std::vector<std::string> headings) {
    for (auto& heading : headings) {
        m_right.push_back(!heading.empty() && heading.front() == '>');
        if (m_right.back()) heading.erase(0, 1);
    }
    m_rows.push_back(std::move(headings));
}

void Table::add(std::vector<std::string> row) {
    row.resize(m_right.size());
    m_rows.push_back(std::move(row));
}

std::string Table::text() const {
    std::vector<std::size_t> widths(m_right.size());
    for (const auto& row : m_rows)
        for (std::size_t i = 0; i < widths.size(); ++i)
            widths[i] = std::max(widths[i], displayWidth(row[i]));
    const auto& headings = m_rows.front();
    const bool headless =
        std::all_of(headings.begin(), headings.end(), [](const std::string& each) { return each.empty(); });
    std::string text;
    for (std::size_t r = headless ? 1 : 0; r < m_rows.size(); ++r) {
        const auto& row = m_rows[r];
        std::string line;
        for (std::size_t i = 0; i < widths.size(); ++i) {
            const std::string space(widths[i] - displayWidth(row[i]), ' ');
            if (i > 0) line += "  ";
            line += m_right[i] ? space + row[i] : row[i] + space;
        }
        line.erase(line.find_last_not_of(' ') + 1);
        text += line + '\n';
    }
    return text;
}

} // namespace fairy2::cli
