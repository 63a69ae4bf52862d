// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>

namespace fairy2::base {

/// Set by whoever wants a long operation to end; the operation looks at it often and returns cancelled().
class Cancel {
public:
    void request() noexcept { m_requested.store(true, std::memory_order_relaxed); }
    [[nodiscard]] bool requested() const noexcept { return m_requested.load(std::memory_order_relaxed); }

private:
    std::atomic<bool> m_requested{false};
};

/// What a long operation is given: where to report and when to stop. Both may be absent.
/// report(done, total, what) may be called from any thread, but never from two at once.
struct Task {
    const Cancel* cancel = nullptr;
    std::function<void(std::int64_t done, std::int64_t total, const std::string& what)> report;

    [[nodiscard]] bool cancelled() const noexcept { return cancel != nullptr && cancel->requested(); }
    void progress(std::int64_t done, std::int64_t total, const std::string& what = {}) const {
        if (report) report(done, total, what);
    }
};

} // namespace fairy2::base
