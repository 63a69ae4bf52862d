// SPDX-License-Identifier: Apache-2.0
#include "runs/eventcodec.h"

#include <bit>
#include <cstring>

namespace fairy2::runs {
namespace {

static_assert(std::endian::native == std::endian::little,
              "protobuf numbers are copied as they lie in memory");

// Field numbers of Event, Summary, Summary.Value and LogMessage; kExact is our own.
enum Field : std::uint32_t {
    kWallTime = 1,
    kStep = 2,
    kFileVersion = 3,
    kSummary = 5,
    kLogMessage = 6,
    kValue = 1,
    kTag = 1,
    kSimpleValue = 2,
    kExact = 101,
    kLevel = 1,
    kMessage = 2,
};
enum WireType : std::uint32_t { kVarint = 0, kFixed64 = 1, kBytes = 2, kFixed32 = 5 };

void putVarint(std::string& into, std::uint64_t value) {
    while (value >= 0x80) {
        into += static_cast<char>(value | 0x80);
        value >>= 7;
    }
    into += static_cast<char>(value);
}

void putKey(std::string& into, std::uint32_t field, WireType type) {
    putVarint(into, field << 3 | type);
}

template <typename T>
void putFixed(std::string& into, std::uint32_t field, T value) {
    putKey(into, field, sizeof(T) == 8 ? kFixed64 : kFixed32);
    char bytes[sizeof(T)];
    std::memcpy(bytes, &value, sizeof bytes);
    into.append(bytes, sizeof bytes);
}

void putBytes(std::string& into, std::uint32_t field, std::string_view bytes) {
    putKey(into, field, kBytes);
    putVarint(into, bytes.size());
    into += bytes;
}

std::string eventHead(double wallTime, std::int64_t step) {
    std::string event;
    putFixed(event, kWallTime, wallTime);
    if (step != 0) {
        putKey(event, kStep, kVarint);
        putVarint(event, static_cast<std::uint64_t>(step));
    }
    return event;
}

// One field of a message; number holds what varints and fixed numbers hold.
struct Item {
    std::uint32_t field = 0;
    std::uint32_t type = 0;
    std::uint64_t number = 0;
    std::string_view bytes;

    [[nodiscard]] double asDouble() const { return std::bit_cast<double>(number); }
    [[nodiscard]] double asFloat() const { return std::bit_cast<float>(static_cast<std::uint32_t>(number)); }
};

class Reader {
public:
    explicit Reader(std::string_view bytes) : m_rest(bytes) {}

    [[nodiscard]] bool failed() const { return m_failed; }

    // The next field; nothing at the end or when the message is broken.
    std::optional<Item> next() {
        if (m_rest.empty() || m_failed) return {};
        Item item;
        const auto key = varint();
        item.field = static_cast<std::uint32_t>(key >> 3);
        item.type = static_cast<std::uint32_t>(key & 7);
        switch (item.type) {
        case kVarint:
            item.number = varint();
            break;
        case kFixed64:
            item.number = fixed(8);
            break;
        case kFixed32:
            item.number = fixed(4);
            break;
        case kBytes:
            item.bytes = take(varint());
            break;
        default:
            m_failed = true;
        }
        if (key >> 3 == 0 || key >> 3 > 0x1fffffff) m_failed = true;
        if (m_failed) return {};
        return item;
    }

private:
    std::string_view take(std::uint64_t size) {
        if (size > m_rest.size()) {
            m_failed = true;
            return {};
        }
        const auto bytes = m_rest.substr(0, size);
        m_rest.remove_prefix(size);
        return bytes;
    }
    std::uint64_t fixed(std::size_t size) {
        std::uint64_t value = 0;
        const auto bytes = take(size);
        std::memcpy(&value, bytes.data(), bytes.size());
        return value;
    }
    std::uint64_t varint() {
        std::uint64_t value = 0;
        for (unsigned shift = 0; shift < 64; shift += 7) {
            const auto byte = take(1);
            if (m_failed) return 0;
            value |= (static_cast<std::uint64_t>(byte[0]) & 0x7f) << shift;
            if ((byte[0] & 0x80) == 0) return value;
        }
        m_failed = true;
        return 0;
    }

    std::string_view m_rest;
    bool m_failed = false;
};

bool readValue(std::string_view bytes, LogRecord& into) {
    std::string tag;
    std::optional<double> rounded;
    std::optional<double> exact;
    Reader reader(bytes);
    while (const auto item = reader.next()) {
        if (item->field == kTag && item->type == kBytes) tag = item->bytes;
        if (item->field == kSimpleValue && item->type == kFixed32) rounded = item->asFloat();
        if (item->field == kExact && item->type == kFixed64) exact = item->asDouble();
    }
    if (exact || rounded) into.scalars.emplace_back(std::move(tag), exact ? *exact : *rounded);
    return !reader.failed();
}

bool readSummary(std::string_view bytes, LogRecord& into) {
    Reader reader(bytes);
    while (const auto item = reader.next())
        if (item->field == kValue && item->type == kBytes && !readValue(item->bytes, into)) return false;
    return !reader.failed();
}

bool readMessage(std::string_view bytes, LogRecord& into) {
    Reader reader(bytes);
    while (const auto item = reader.next()) {
        if (item->field != kMessage || item->type != kBytes) continue;
        auto document = base::parseJson(item->bytes, "run log", {std::size_t{16} << 20, 64});
        if (!document) return false;
        into.document = std::move(*document);
    }
    return !reader.failed();
}

} // namespace

std::string encodeVersion(double wallTime) {
    auto event = eventHead(wallTime, 0);
    putBytes(event, kFileVersion, "brain.Event:2");
    return event;
}

std::string encodeScalars(double wallTime, std::int64_t step,
                          const std::vector<std::pair<std::string, double>>& values) {
    std::string summary;
    std::string value;
    for (const auto& [tag, number] : values) {
        value.clear();
        putBytes(value, kTag, tag);
        putFixed(value, kSimpleValue, static_cast<float>(number));
        putFixed(value, kExact, number);
        putBytes(summary, kValue, value);
    }
    auto event = eventHead(wallTime, step);
    putBytes(event, kSummary, summary);
    return event;
}

std::string encodeDocument(double wallTime, std::int64_t step, const std::string& json) {
    std::string message;
    putKey(message, kLevel, kVarint);
    putVarint(message, 20); // LogMessage.INFO
    putBytes(message, kMessage, json);
    auto event = eventHead(wallTime, step);
    putBytes(event, kLogMessage, message);
    return event;
}

std::optional<LogRecord> decodeEvent(std::string_view bytes) {
    LogRecord record;
    Reader reader(bytes);
    while (const auto item = reader.next()) {
        bool fits = true;
        if (item->field == kWallTime && item->type == kFixed64) record.wallTime = item->asDouble();
        if (item->field == kStep && item->type == kVarint)
            record.step = static_cast<std::int64_t>(item->number);
        if (item->field == kSummary && item->type == kBytes) fits = readSummary(item->bytes, record);
        if (item->field == kLogMessage && item->type == kBytes) fits = readMessage(item->bytes, record);
        if (!fits) return {};
    }
    if (reader.failed()) return {};
    return record;
}

} // namespace fairy2::runs
