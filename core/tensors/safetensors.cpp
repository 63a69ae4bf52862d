// SPDX-License-Identifier: Apache-2.0
#include "tensors/safetensors.h"

#include "base/printable.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>
#include <nlohmann/json.hpp>
#include <unordered_set>

namespace fairy2::tensors {
namespace {

constexpr std::uint64_t kLengthBytes = 8;
constexpr std::uint64_t kAlignment = 64; // of the first tensor in files that we write: a cache line
constexpr std::uint64_t kMaxHeaderBytes = 100'000'000; // as the reference reader
constexpr std::size_t kMaxTensors = std::size_t{1} << 18U;
constexpr std::size_t kMaxMetadata = std::size_t{1} << 16U;
constexpr std::size_t kMaxNameBytes = 4096;
constexpr std::size_t kMaxRank = 8;
constexpr const char* kMetadataKey = "__metadata__";
constexpr const char* kDamaged = "the file is damaged or was not written as safetensors: fetch it again";

bool elementCount(const std::vector<std::int64_t>& shape, std::uint64_t& count) {
    count = 1;
    for (const auto dimension : shape) {
        if (dimension < 0 || __builtin_mul_overflow(count, static_cast<std::uint64_t>(dimension), &count))
            return false;
    }
    return true;
}

bool byteCount(DType type, const std::vector<std::int64_t>& shape, std::uint64_t& bytes) {
    return elementCount(shape, bytes) && !__builtin_mul_overflow(bytes, bytesPerElement(type), &bytes) &&
           bytes <= static_cast<std::uint64_t>(INT64_MAX);
}

// Takes the header's events one by one: nothing but the tensor list is ever kept, however long or deep the
// text is, and the first thing that does not belong there ends the reading.
class HeaderReader : public nlohmann::json_sax<nlohmann::json> {
public:
    struct Entry {
        std::string name;
        DType dtype = DType::F32;
        std::vector<std::int64_t> shape;
        std::uint64_t begin = 0;
        std::uint64_t end = 0;
    };
    std::vector<Entry> entries;
    Metadata metadata;
    std::string problem;
    std::string field;

    bool null() override {
        if (m_place != Place::MetadataStart) return unexpected("null");
        m_place = Place::Top; // how MLX writes that there is no metadata
        field.clear();
        return true;
    }
    bool boolean(bool) override { return unexpected("a boolean"); }
    bool number_integer(number_integer_t) override { return unexpected("a negative number"); }
    bool number_float(number_float_t, const string_t&) override {
        return unexpected("a number that is not a 64-bit integer");
    }
    bool binary(binary_t&) override { return unexpected("binary data"); }

    bool number_unsigned(number_unsigned_t value) override {
        if (m_place == Place::Shape) {
            if (entries.back().shape.size() == kMaxRank)
                return refuse(fmt::format("the shape has more than {} dimensions", kMaxRank));
            if (value > static_cast<number_unsigned_t>(INT64_MAX)) return refuse("a dimension is too large");
            entries.back().shape.push_back(static_cast<std::int64_t>(value));
            return true;
        }
        if (m_place == Place::Offsets) {
            if (m_offsets == 2) return refuse("data_offsets has more than two numbers");
            (m_offsets++ == 0 ? entries.back().begin : entries.back().end) = value;
            return true;
        }
        return unexpected("a number");
    }

    bool string(string_t& text) override {
        if (m_place == Place::MetadataValue) {
            if (metadata.size() == kMaxMetadata)
                return refuse(fmt::format("there are more than {} metadata entries", kMaxMetadata));
            if (!metadata.emplace(m_key, std::move(text)).second)
                return refuse(fmt::format("the key '{}' stands twice", base::printable(m_key)));
            m_place = Place::Metadata;
            return true;
        }
        if (m_place != Place::DTypeValue) return unexpected("a string");
        const auto type = parseDType(text);
        if (!type) return refuse(type.error().message);
        entries.back().dtype = *type;
        m_place = Place::Tensor;
        return true;
    }

    bool start_object(std::size_t) override {
        switch (m_place) {
        case Place::Begin:
            m_place = Place::Top;
            return true;
        case Place::MetadataStart:
            m_place = Place::Metadata;
            return true;
        case Place::TensorStart:
            m_place = Place::Tensor;
            return true;
        default:
            return unexpected("an object");
        }
    }

    bool end_object() override {
        if (m_place == Place::Tensor && m_seen != kAllFields)
            return refuse(fmt::format("'{}' is missing", (m_seen & kSeenDType) == 0   ? "dtype"
                                                         : (m_seen & kSeenShape) == 0 ? "shape"
                                                                                      : "data_offsets"));
        if (m_place == Place::Tensor || m_place == Place::Metadata) field.clear();
        m_place = m_place == Place::Top ? Place::End : Place::Top;
        return true;
    }

    bool start_array(std::size_t) override {
        if (m_place == Place::ShapeStart)
            m_place = Place::Shape;
        else if (m_place == Place::OffsetsStart)
            m_place = Place::Offsets;
        else
            return unexpected("an array");
        return true;
    }

    bool end_array() override {
        if (m_place == Place::Offsets && m_offsets != 2)
            return refuse("data_offsets does not have two numbers");
        m_place = Place::Tensor;
        return true;
    }

    bool key(string_t& text) override {
        if (text.size() > kMaxNameBytes)
            return refuse(fmt::format("the name '{}' is longer than {} bytes", base::printable(text, 64),
                                      kMaxNameBytes));
        if (m_place == Place::Top) return topKey(text);
        if (m_place == Place::Tensor) return tensorKey(text);
        m_key = std::move(text);
        m_place = Place::MetadataValue;
        return true;
    }

    bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
        return refuse(fmt::format("the header is not valid JSON at its byte {}", position));
    }

private:
    enum class Place {
        Begin,
        Top,
        MetadataStart,
        Metadata,
        MetadataValue,
        TensorStart,
        Tensor,
        DTypeValue,
        ShapeStart,
        Shape,
        OffsetsStart,
        Offsets,
        End,
    };
    static constexpr unsigned kSeenDType = 1;
    static constexpr unsigned kSeenShape = 2;
    static constexpr unsigned kSeenOffsets = 4;
    static constexpr unsigned kAllFields = 7;

    bool refuse(std::string why) {
        problem = std::move(why);
        return false;
    }

    bool unexpected(const char* what) {
        switch (m_place) {
        case Place::MetadataStart:
            return refuse(fmt::format("it is {}; an object of strings was expected", what));
        case Place::MetadataValue:
            return refuse(
                fmt::format("'{}' is {}; metadata holds only strings", base::printable(m_key), what));
        case Place::TensorStart:
            return refuse(
                fmt::format("it is {}; an object with dtype, shape and data_offsets was expected", what));
        case Place::DTypeValue:
            return refuse(fmt::format("dtype is {}; a string was expected", what));
        case Place::ShapeStart:
        case Place::Shape:
            return refuse(fmt::format("shape holds {}; an array of whole numbers was expected", what));
        case Place::OffsetsStart:
        case Place::Offsets:
            return refuse(fmt::format("data_offsets holds {}; two whole numbers were expected", what));
        default:
            return refuse(fmt::format("the header holds {} where it does not belong", what));
        }
    }

    bool topKey(std::string& text) {
        field = base::printable(text);
        if (text == kMetadataKey) {
            if (std::exchange(m_metadataSeen, true)) return refuse("it stands twice in the header");
            m_place = Place::MetadataStart;
            return true;
        }
        if (entries.size() == kMaxTensors)
            return refuse(fmt::format("there are more than {} tensors in one file", kMaxTensors));
        entries.emplace_back().name = std::move(text);
        m_seen = 0;
        m_offsets = 0;
        m_place = Place::TensorStart;
        return true;
    }

    bool tensorKey(const std::string& text) {
        unsigned bit = 0;
        if (text == "dtype") {
            bit = kSeenDType;
            m_place = Place::DTypeValue;
        } else if (text == "shape") {
            bit = kSeenShape;
            m_place = Place::ShapeStart;
        } else if (text == "data_offsets") {
            bit = kSeenOffsets;
            m_place = Place::OffsetsStart;
        } else {
            return refuse(fmt::format("the key '{}' does not belong there", base::printable(text)));
        }
        if ((m_seen & bit) != 0) return refuse(fmt::format("'{}' stands twice", text));
        m_seen |= bit;
        return true;
    }

    Place m_place = Place::Begin;
    std::string m_key;
    bool m_metadataSeen = false;
    unsigned m_seen = 0;
    unsigned m_offsets = 0;
};

using Entry = HeaderReader::Entry;

base::Result<void> checkNames(const std::vector<Entry>& entries, const std::string& file) {
    std::unordered_set<std::string_view> names;
    names.reserve(entries.size());
    for (const auto& entry : entries) {
        if (!names.insert(entry.name).second)
            return base::badInput("the tensor stands twice in the header", file, base::printable(entry.name),
                                  kDamaged);
    }
    return {};
}

// In file order every tensor must begin where the one before it ends: no hole, no overlap, nothing after the
// last one.
base::Result<void> checkLayout(const std::vector<Entry>& sorted, std::uint64_t dataBytes,
                               const std::string& file) {
    std::uint64_t expected = 0;
    for (const auto& entry : sorted) {
        const auto refuse = [&](std::string why) {
            return base::badInput(std::move(why), file, base::printable(entry.name), kDamaged);
        };
        if (entry.begin > entry.end)
            return refuse(fmt::format("data_offsets [{}, {}] run backwards", entry.begin, entry.end));
        if (entry.end > dataBytes)
            return refuse(fmt::format("its data ends at byte {}, but the file holds only {} bytes of data",
                                      entry.end, dataBytes));
        std::uint64_t bytes = 0;
        if (!byteCount(entry.dtype, entry.shape, bytes)) return refuse("its shape is too large to exist");
        if (bytes != entry.end - entry.begin)
            return refuse(fmt::format("its shape [{}] in {} takes {} bytes, but data_offsets give it {}",
                                      fmt::join(entry.shape, ", "), name(entry.dtype), bytes,
                                      entry.end - entry.begin));
        if (entry.begin != expected)
            return refuse(fmt::format("its data begins at byte {}; {} was expected, so tensors {}",
                                      entry.begin, expected,
                                      entry.begin < expected ? "overlap" : "leave a hole"));
        expected = entry.end;
    }
    if (expected != dataBytes)
        return base::badInput(
            fmt::format("the tensors end at byte {} of the data, but the file holds {} bytes of it", expected,
                        dataBytes),
            file, {}, kDamaged);
    return {};
}

} // namespace

std::int64_t TensorInfo::elements() const noexcept {
    std::int64_t count = 1;
    for (const auto dimension : shape)
        count *= dimension;
    return count;
}

base::Result<std::pair<std::vector<TensorInfo>, Metadata>>
parseHeader(std::string_view json, std::uint64_t dataBytes, const std::string& file) {
    if (json.empty() || json.front() != '{')
        return base::badInput("the header does not start with '{', so this is not a safetensors file", file);
    // To the parser a zero byte is the end of its input, so whatever follows one would go unseen.
    if (json.find('\0') != std::string_view::npos)
        return base::badInput("the header is not valid JSON: it holds a zero byte", file, {}, kDamaged);
    HeaderReader reader;
    // The padding is cut off first because the parser would gather it as one token.
    const auto text = json.substr(0, json.find_last_not_of(' ') + 1);
    if (!nlohmann::json::sax_parse(text.begin(), text.end(), &reader))
        return base::badInput(reader.problem, file, reader.field, kDamaged);

    auto& entries = reader.entries;
    FAIRY2_TRY(checkNames(entries, file));
    std::stable_sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
        return std::pair(a.begin, a.end) < std::pair(b.begin, b.end);
    });
    FAIRY2_TRY(checkLayout(entries, dataBytes, file));

    std::vector<TensorInfo> tensors;
    tensors.reserve(entries.size());
    for (auto& entry : entries)
        tensors.push_back({std::move(entry.name), entry.dtype, std::move(entry.shape),
                           kLengthBytes + json.size() + entry.begin, entry.end - entry.begin});
    return std::pair(std::move(tensors), std::move(reader.metadata));
}

base::Result<SafetensorsFile> SafetensorsFile::open(const base::Path& path) {
    SafetensorsFile file;
    FAIRY2_ASSIGN(file.m_map, base::MappedFile::open(path));
    const auto bytes = file.m_map->bytes();
    if (bytes.size() < kLengthBytes)
        return base::badInput(
            fmt::format("the file has {} bytes; a safetensors file has at least 8", bytes.size()),
            path.string(), {}, kDamaged);
    std::uint64_t length = 0;
    std::memcpy(&length, bytes.data(), sizeof length);
    if (length > bytes.size() - kLengthBytes)
        return base::badInput(
            fmt::format("the header claims {} bytes, but only {} follow: the file is cut short or "
                        "is not a safetensors file",
                        length, bytes.size() - kLengthBytes),
            path.string(), {}, kDamaged);
    if (length > kMaxHeaderBytes)
        return base::badInput(
            fmt::format("the header has {} bytes; at most {} are allowed", length, kMaxHeaderBytes),
            path.string());
    const std::string_view header(reinterpret_cast<const char*>(bytes.data()) + kLengthBytes, length);
    FAIRY2_ASSIGN(auto parsed, parseHeader(header, bytes.size() - kLengthBytes - length, path.string()));
    file.m_tensors = std::move(parsed.first);
    file.m_metadata = std::move(parsed.second);
    for (std::size_t i = 0; i < file.m_tensors.size(); ++i)
        file.m_index.emplace(file.m_tensors[i].name, i);
    return file;
}

const TensorInfo* SafetensorsFile::find(std::string_view name) const noexcept {
    const auto found = m_index.find(name);
    return found == m_index.end() ? nullptr : &m_tensors[found->second];
}

std::span<const std::byte> SafetensorsFile::bytes(const TensorInfo& tensor) const noexcept {
    return m_map->bytes().subspan(tensor.offset, tensor.bytes);
}

base::Result<SafetensorsWriter> SafetensorsWriter::create(const base::Path& path,
                                                          const std::vector<Declaration>& tensors,
                                                          const Metadata& metadata) {
    nlohmann::ordered_json header = nlohmann::ordered_json::object();
    if (!metadata.empty()) header[kMetadataKey] = metadata;
    std::unordered_set<std::string_view> names;
    std::uint64_t end = 0;
    const auto refuse = [&](const char* why, const std::string& tensor) {
        return base::fail(base::ErrorCode::Failed, why, path.string(), base::printable(tensor));
    };
    for (const auto& tensor : tensors) {
        if (tensor.name == kMetadataKey || tensor.name.size() > kMaxNameBytes)
            return refuse("a tensor cannot have this name", tensor.name);
        if (!names.insert(tensor.name).second) return refuse("the tensor is declared twice", tensor.name);
        const std::uint64_t begin = end;
        std::uint64_t bytes = 0;
        if (tensor.shape.size() > kMaxRank || !byteCount(tensor.dtype, tensor.shape, bytes) ||
            __builtin_add_overflow(begin, bytes, &end))
            return refuse("the tensor's shape is not valid", tensor.name);
        // A vector, because push_back into an ordered object of thousands of keys would be quadratic.
        header.get_ref<nlohmann::ordered_json::object_t&>().push_back(
            {tensor.name,
             {{"dtype", name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {begin, end}}}});
    }
    std::string text;
    try {
        text = header.dump();
    } catch (const nlohmann::json::exception&) {
        return base::fail(base::ErrorCode::Failed, "a name or metadata entry is not valid UTF-8",
                          path.string());
    }
    text.append((kAlignment - (kLengthBytes + text.size()) % kAlignment) % kAlignment, ' ');
    if (text.size() > kMaxHeaderBytes)
        return base::fail(base::ErrorCode::Failed, "the header would exceed 100 MB", path.string());

    FAIRY2_ASSIGN(auto file, base::AtomicFile::create(path));
    const std::uint64_t length = text.size();
    FAIRY2_TRY(file.write(std::as_bytes(std::span(&length, 1))));
    FAIRY2_TRY(file.write(text));
    SafetensorsWriter writer(std::move(file));
    writer.m_expected = end;
    return writer;
}

base::Result<void> SafetensorsWriter::write(std::span<const std::byte> bytes) {
    if (bytes.size() > m_expected - m_written)
        return base::fail(base::ErrorCode::Failed,
                          fmt::format("{} bytes of tensor data were declared; {} more do not fit", m_expected,
                                      bytes.size()));
    FAIRY2_TRY(m_file.write(bytes));
    m_written += bytes.size();
    return {};
}

base::Result<void> SafetensorsWriter::finish() {
    if (m_written != m_expected)
        return base::fail(
            base::ErrorCode::Failed,
            fmt::format("{} bytes of tensor data were declared, but {} were written", m_expected, m_written));
    return m_file.commit();
}

} // namespace fairy2::tensors
