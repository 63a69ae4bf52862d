// SPDX-License-Identifier: Apache-2.0
#include "runs/runtail.h"

#include <algorithm>
#include <iterator>

namespace fairy2::runs {
namespace {

constexpr std::size_t kPaceSteps = 32;

} // namespace

base::Result<std::vector<LogRecord>> RunTail::poll() {
    std::vector<LogRecord> news;
    for (const auto& file : logFiles(m_run.logDirectory())) {
        auto& offset = m_offsets[file];
        for (bool more = true; more;) {
            FAIRY2_ASSIGN(auto chunk, readLog(file, offset));
            more = !chunk.atEnd && chunk.offset > offset;
            offset = chunk.offset;
            m_replay.damaged += chunk.damaged;
            std::move(chunk.records.begin(), chunk.records.end(), std::back_inserter(news));
        }
    }
    for (const auto& record : news) {
        m_replay.take(record);
        for (const auto& [tag, value] : record.scalars)
            m_latest[tag] = value;
        if (record.scalars.empty()) continue;
        // A resumed run goes back: its pace is counted anew.
        if (!m_pace.empty() && record.step < m_pace.back().first) m_pace.clear();
        if (!m_pace.empty() && record.step == m_pace.back().first) continue;
        m_pace.emplace_back(record.step, record.wallTime);
        if (m_pace.size() > kPaceSteps) m_pace.erase(m_pace.begin());
    }
    return news;
}

std::optional<double> RunTail::latest(const std::string& tag) const {
    const auto found = m_latest.find(tag);
    return found == m_latest.end() ? std::nullopt : std::optional<double>(found->second);
}

std::optional<double> RunTail::secondsLeft(std::int64_t maxSteps) const {
    if (m_pace.size() < 2) return {};
    const auto steps = static_cast<double>(m_pace.back().first - m_pace.front().first);
    const double seconds = m_pace.back().second - m_pace.front().second;
    return static_cast<double>(std::max<std::int64_t>(0, maxSteps - m_pace.back().first)) * seconds / steps;
}

} // namespace fairy2::runs
