// SPDX-License-Identifier: Apache-2.0
#include "text/tokenizer.h"

#include "text/legacybpe.h"

#include <fairy2_tokenizers.h>
#include <fmt/format.h>
#include <limits>

namespace fairy2::text {
namespace {

constexpr std::size_t kMaxFileBytes = std::size_t{64} << 20;
constexpr std::size_t kMaxTextBytes = std::size_t{1} << 30;

// An error text of the library, freed with the object.
class LibraryError {
public:
    LibraryError() = default;
    LibraryError(const LibraryError&) = delete;
    LibraryError& operator=(const LibraryError&) = delete;
    ~LibraryError() {
        if (m_text != nullptr) fairy2_tokenizer_free_error(m_text);
    }
    [[nodiscard]] char** out() noexcept { return &m_text; }
    [[nodiscard]] const char* text() const noexcept { return m_text == nullptr ? "" : m_text; }

private:
    char* m_text = nullptr;
};

const std::uint8_t* asBytes(std::string_view text) {
    return reinterpret_cast<const std::uint8_t*>(text.data());
}

const Fairy2Tokenizer* library(const void* handle) {
    return static_cast<const Fairy2Tokenizer*>(handle);
}

struct Source {
    base::Path path;
    std::string json;
};

base::Result<Source> readSource(const base::Path& path) {
    const bool folder = std::filesystem::is_directory(path);
    const base::Path file = folder ? path / "tokenizer.json" : path;
    if (folder && !std::filesystem::exists(file)) {
        if (!std::filesystem::exists(path / "vocab.json"))
            return base::fail(
                base::ErrorCode::NotFound,
                "there is no tokenizer here: neither tokenizer.json nor vocab.json with merges.txt",
                path.string(), {}, "copy the tokenizer files of the base model into this folder");
        return readSource(path / "vocab.json");
    }
    if (file.filename() == "vocab.json") {
        FAIRY2_ASSIGN(auto json, composeFromVocabulary(file.parent_path()));
        return Source{file, std::move(json)};
    }
    FAIRY2_ASSIGN(auto json, base::readFile(file, kMaxFileBytes));
    return Source{file, std::move(json)};
}

} // namespace

base::Result<std::shared_ptr<const Tokenizer>> Tokenizer::open(const base::Path& path) {
    FAIRY2_ASSIGN(const Source source, readSource(path));
    LibraryError error;
    const auto refused = [&] {
        return base::badInput(fmt::format("this tokenizer cannot be used: {}", error.text()),
                              source.path.string(), {}, "take the file from the model's repository again");
    };
    auto* handle = fairy2_tokenizer_open(asBytes(source.json), source.json.size(), error.out());
    if (handle == nullptr) return refused();
    std::shared_ptr<Tokenizer> tokenizer(new Tokenizer(handle, source.path));
    std::size_t size = 0;
    std::uint32_t largest = 0;
    if (!fairy2_tokenizer_vocab(handle, &size, &largest, error.out())) return refused();
    if (largest > static_cast<std::uint32_t>(std::numeric_limits<std::int32_t>::max()))
        return base::badInput(fmt::format("token id {} is larger than any vocabulary", largest),
                              source.path.string(), "model.vocab");
    tokenizer->m_vocabSize = static_cast<std::int64_t>(size);
    tokenizer->m_largestId = largest;
    return tokenizer;
}

Tokenizer::~Tokenizer() {
    fairy2_tokenizer_free(static_cast<Fairy2Tokenizer*>(m_handle));
}

base::Result<std::vector<std::int32_t>> Tokenizer::encode(std::string_view utf8, bool addSpecial) const {
    if (utf8.size() > kMaxTextBytes)
        return base::badInput(fmt::format("a text of {} bytes is too long to tokenise at once", utf8.size()),
                              {}, {}, "split it into pieces of at most 1 GiB");
    LibraryError error;
    std::uint32_t* ids = nullptr;
    std::size_t count = 0;
    if (!fairy2_tokenizer_encode(library(m_handle), asBytes(utf8), utf8.size(), addSpecial, &ids, &count,
                                 error.out()))
        return base::badInput(fmt::format("the text cannot be tokenised: {}", error.text()));
    std::vector<std::int32_t> result(ids, ids + count);
    fairy2_tokenizer_free_ids(ids, count);
    return result;
}

base::Result<std::string> Tokenizer::decode(std::span<const std::int32_t> ids, bool skipSpecial) const {
    for (std::size_t i = 0; i < ids.size(); ++i)
        if (ids[i] < 0) return base::badInput(fmt::format("id {} at place {} is negative", ids[i], i));
    LibraryError error;
    std::uint8_t* text = nullptr;
    std::size_t length = 0;
    // Signed and unsigned of one width may alias, and no id is negative.
    const auto* data = reinterpret_cast<const std::uint32_t*>(ids.data());
    if (!fairy2_tokenizer_decode(library(m_handle), data, ids.size(), skipSpecial, &text, &length,
                                 error.out()))
        return base::badInput(fmt::format("the ids cannot be decoded: {}", error.text()));
    std::string result(reinterpret_cast<const char*>(text), length);
    fairy2_tokenizer_free_text(text, length);
    return result;
}

} // namespace fairy2::text
