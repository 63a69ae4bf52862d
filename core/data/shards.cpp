// SPDX-License-Identifier: Apache-2.0
#include "data/shards.h"

#include "base/hash.h"
#include "base/threads.h"
#include "text/tokenizer.h"

#include <algorithm>
#include <cstring>
#include <fmt/format.h>

namespace fairy2::data {
namespace {

constexpr int kFormat = 1;
constexpr std::size_t kBatchDocuments = 512;
constexpr std::size_t kBatchBytes = std::size_t{4} << 20;
constexpr base::JsonLimits kIndexLimits{std::size_t{64} << 20, 16};
constexpr const char* kIndexName = "index.json";
constexpr const char* kProgressName = "progress.json";

bool narrow(std::int64_t vocabSize) {
    return vocabSize <= 65536;
}

base::Result<std::string> tokenizerHash(const base::Path& path) {
    std::error_code error;
    const auto folder = std::filesystem::is_directory(path, error) ? path : path.parent_path();
    base::Sha256 all;
    for (const char* name : {"tokenizer.json", "vocab.json", "merges.txt"}) {
        if (!std::filesystem::exists(folder / name, error)) continue;
        FAIRY2_ASSIGN(const auto hash, base::sha256OfFile(folder / name));
        all.update(fmt::format("{} {}\n", name, hash));
    }
    return all.hex();
}

// The id that ends a text: eos_token_id of the model beside the tokenizer, else the tokenizer's own
// eos_token.
base::Result<std::int32_t> endOfText(const base::Path& path, const text::Tokenizer& tokenizer) {
    std::error_code error;
    const auto folder = std::filesystem::is_directory(path, error) ? path : path.parent_path();
    for (const char* name : {"config.json", "generation_config.json"}) {
        const auto config = base::readJson(folder / name);
        if (!config || !config->is_object() || !config->contains("eos_token_id")) continue;
        const auto& id = (*config)["eos_token_id"];
        if (id.is_number_integer()) return id.get<std::int32_t>();
        if (id.is_array() && !id.empty() && id.front().is_number_integer())
            return id.front().get<std::int32_t>();
    }
    const auto config = base::readJson(folder / "tokenizer_config.json", {std::size_t{16} << 20, 64});
    if (config && config->is_object() && config->contains("eos_token")) {
        const auto& token = (*config)["eos_token"];
        const auto content = token.is_object()   ? token.value("content", std::string())
                             : token.is_string() ? token.get<std::string>()
                                                 : std::string();
        const auto ids = tokenizer.encode(content);
        if (ids && ids->size() == 1) return ids->front();
    }
    return base::badInput("the id that ends a text is not known", path.string(), "separator",
                          "name it with --separator");
}

// Documents of one shard as they are written.
struct OpenShard {
    std::vector<std::int32_t> ids;
    std::vector<std::int64_t> ends;
};

base::Result<void> writeShard(const base::Path& path, const OpenShard& shard, bool narrowIds) {
    using tensors::DType;
    FAIRY2_ASSIGN(
        auto writer,
        tensors::SafetensorsWriter::create(
            path,
            {{"ids", narrowIds ? DType::U16 : DType::I32, {static_cast<std::int64_t>(shard.ids.size())}},
             {"ends", DType::I64, {static_cast<std::int64_t>(shard.ends.size())}}}));
    if (narrowIds) {
        std::vector<std::uint16_t> small(shard.ids.begin(), shard.ids.end());
        FAIRY2_TRY(writer.write(std::as_bytes(std::span(small))));
    } else {
        FAIRY2_TRY(writer.write(std::as_bytes(std::span(shard.ids))));
    }
    FAIRY2_TRY(writer.write(std::as_bytes(std::span(shard.ends))));
    return writer.finish();
}

// The corpus on its way into shards; what is finished is in progress.json, so a restart skips it.
class Preparation {
public:
    Preparation(base::Path folder, const PrepareOptions& options, const text::Tokenizer& tokenizer)
        : m_folder(std::move(folder)), m_options(options), m_tokenizer(tokenizer) {}

    ShardIndex index;
    std::int64_t doneDocuments = 0; // of earlier runs: already in shards

    base::Result<void> add(std::string&& text) {
        if (m_seen++ < doneDocuments) return {};
        m_batchBytes += text.size();
        m_batch.push_back(std::move(text));
        if (m_batch.size() >= kBatchDocuments || m_batchBytes >= kBatchBytes) return encodeBatch();
        return {};
    }

    base::Result<void> finish(const ReadStatistics& statistics) {
        FAIRY2_TRY(encodeBatch());
        if (!m_shard.ends.empty()) FAIRY2_TRY(closeShard());
        index.textBytes = statistics.textBytes;
        index.badRecords = statistics.badRecords;
        index.problems = statistics.problems;
        index.column = statistics.column;
        index.columns = statistics.columns;
        FAIRY2_TRY(base::writeFileAtomically(m_folder / kIndexName, index.toJson().dump(1) + "\n"));
        std::error_code error;
        std::filesystem::remove(m_folder / kProgressName, error);
        return {};
    }

private:
    base::Result<void> encodeBatch() {
        std::vector<base::Result<std::vector<std::int32_t>>> encoded(m_batch.size(),
                                                                     std::vector<std::int32_t>());
        base::parallelFor(
            static_cast<std::int64_t>(m_batch.size()),
            [&](std::int64_t i) {
                const auto at = static_cast<std::size_t>(i);
                encoded[at] = m_tokenizer.encode(m_batch[at]);
            },
            m_options.threads);
        for (auto& ids : encoded) {
            if (!ids) return tl::unexpected(ids.error());
            m_shard.ids.insert(m_shard.ids.end(), ids->begin(), ids->end());
            m_shard.ids.push_back(index.separator);
            m_shard.ends.push_back(static_cast<std::int64_t>(m_shard.ids.size()));
            index.tokens += static_cast<std::int64_t>(ids->size()) + 1;
            ++index.documents;
            if (static_cast<std::int64_t>(m_shard.ids.size()) >= m_options.shardTokens)
                FAIRY2_TRY(closeShard());
        }
        m_batch.clear();
        m_batchBytes = 0;
        return {};
    }

    base::Result<void> closeShard() {
        ShardIndex::Shard entry;
        entry.file = fmt::format("tokens-{:05}.safetensors", index.shards.size());
        entry.tokens = static_cast<std::int64_t>(m_shard.ids.size());
        entry.documents = static_cast<std::int64_t>(m_shard.ends.size());
        FAIRY2_TRY(writeShard(m_folder / entry.file, m_shard, narrow(index.vocabSize)));
        FAIRY2_ASSIGN(entry.sha256, base::sha256OfFile(m_folder / entry.file));
        index.shards.push_back(std::move(entry));
        m_shard = {};
        // What was read ahead of this shard's last document does not count as done.
        auto progress = index;
        progress.tokens = progress.documents = 0;
        for (const auto& shard : progress.shards) {
            progress.tokens += shard.tokens;
            progress.documents += shard.documents;
        }
        return base::writeFileAtomically(m_folder / kProgressName, progress.toJson().dump(1) + "\n");
    }

    base::Path m_folder;
    const PrepareOptions& m_options;
    const text::Tokenizer& m_tokenizer;
    OpenShard m_shard;
    std::vector<std::string> m_batch;
    std::size_t m_batchBytes = 0;
    std::int64_t m_seen = 0;
};

// Whether shards on disk were made from the same sources with the same tokenizer.
bool sameCorpus(const ShardIndex& a, const ShardIndex& b) {
    const auto key = [](const ShardIndex& index) {
        std::string text = fmt::format("{} {}", index.tokenizerSha256, index.separator);
        for (const auto& source : index.sources)
            text += fmt::format(" {} {}", source.bytes, source.sha256);
        return text;
    };
    return key(a) == key(b);
}

base::Result<std::vector<ShardIndex::Source>> hashSources(const std::vector<base::Path>& files,
                                                          const base::Task& task) {
    std::vector<ShardIndex::Source> sources;
    for (const auto& file : files) {
        if (task.cancelled()) return base::cancelled();
        std::error_code error;
        FAIRY2_ASSIGN(auto hash, base::sha256OfFile(file));
        sources.push_back({file.string(), std::filesystem::file_size(file, error), std::move(hash)});
    }
    return sources;
}

// The index of what a former run finished; empty when there was none.
base::Result<std::optional<ShardIndex>> formerProgress(const base::Path& folder, const ShardIndex& wanted) {
    for (const char* name : {kIndexName, kProgressName}) {
        std::error_code error;
        if (!std::filesystem::exists(folder / name, error)) continue;
        FAIRY2_ASSIGN(const auto json, base::readJson(folder / name, kIndexLimits));
        FAIRY2_ASSIGN(auto former, ShardIndex::fromJson(json, (folder / name).string()));
        if (!sameCorpus(former, wanted))
            return base::badInput("the folder holds shards of other sources, another tokenizer or separator",
                                  folder.string(), {}, "choose another folder, or remove this one first");
        for (const auto& shard : former.shards) {
            FAIRY2_ASSIGN(const auto hash, base::sha256OfFile(folder / shard.file));
            if (hash != shard.sha256)
                return base::badInput("the shard's content is not what the index says",
                                      (folder / shard.file).string(), "sha256",
                                      "remove the folder and prepare it again");
        }
        return former;
    }
    return std::nullopt;
}

template <typename T>
T loadAt(std::span<const std::byte> bytes, std::int64_t i) {
    T value;
    std::memcpy(&value, bytes.data() + static_cast<std::size_t>(i) * sizeof(T), sizeof(T));
    return value;
}

} // namespace

base::Json ShardIndex::toJson() const {
    base::Json json = {{"format", kFormat},
                       {"tokenizer_sha256", tokenizerSha256},
                       {"vocab_size", vocabSize},
                       {"separator", separator},
                       {"column", column},
                       {"columns", columns},
                       {"documents", documents},
                       {"tokens", tokens},
                       {"text_bytes", textBytes},
                       {"bad_records", badRecords},
                       {"problems", problems},
                       {"sources", base::Json::array()},
                       {"shards", base::Json::array()}};
    for (const auto& source : sources)
        json["sources"].push_back(
            {{"file", source.file}, {"bytes", source.bytes}, {"sha256", source.sha256}});
    for (const auto& shard : shards)
        json["shards"].push_back({{"file", shard.file},
                                  {"tokens", shard.tokens},
                                  {"documents", shard.documents},
                                  {"sha256", shard.sha256}});
    return json;
}

base::Result<ShardIndex> ShardIndex::fromJson(const base::Json& json, const std::string& file) {
    constexpr std::int64_t kMany = std::int64_t{1} << 50;
    FAIRY2_TRY(base::jsonInteger(json, "format", kFormat, kFormat, file));
    ShardIndex index;
    FAIRY2_ASSIGN(index.tokenizerSha256, base::jsonString(json, "tokenizer_sha256", file));
    FAIRY2_ASSIGN(index.vocabSize, base::jsonInteger(json, "vocab_size", 1, std::int64_t{1} << 31, file));
    FAIRY2_ASSIGN(const auto separator, base::jsonInteger(json, "separator", 0, index.vocabSize - 1, file));
    index.separator = static_cast<std::int32_t>(separator);
    FAIRY2_ASSIGN(index.documents, base::jsonInteger(json, "documents", 0, kMany, file));
    FAIRY2_ASSIGN(index.tokens, base::jsonInteger(json, "tokens", 0, kMany, file));
    FAIRY2_ASSIGN(index.textBytes, base::jsonInteger(json, "text_bytes", 0, kMany, file));
    FAIRY2_ASSIGN(index.badRecords, base::jsonInteger(json, "bad_records", 0, kMany, file));
    FAIRY2_ASSIGN(index.column, base::jsonString(json, "column", file));
    for (const char* list : {"sources", "shards", "columns", "problems"})
        if (!json.contains(list) || !json[list].is_array())
            return base::badInput("a list was expected", file, list);
    for (const auto& text : json["columns"])
        if (text.is_string()) index.columns.push_back(text.get<std::string>());
    for (const auto& text : json["problems"])
        if (text.is_string()) index.problems.push_back(text.get<std::string>());
    for (const auto& entry : json["sources"]) {
        Source source;
        FAIRY2_ASSIGN(source.file, base::jsonString(entry, "file", file));
        FAIRY2_ASSIGN(const auto bytes, base::jsonInteger(entry, "bytes", 0, INT64_MAX, file));
        source.bytes = static_cast<std::uint64_t>(bytes);
        FAIRY2_ASSIGN(source.sha256, base::jsonString(entry, "sha256", file));
        index.sources.push_back(std::move(source));
    }
    for (const auto& entry : json["shards"]) {
        Shard shard;
        FAIRY2_ASSIGN(shard.file, base::jsonString(entry, "file", file));
        if (shard.file.find('/') != std::string::npos)
            return base::badInput("a shard lies in the folder itself", file, "shards");
        FAIRY2_ASSIGN(shard.tokens, base::jsonInteger(entry, "tokens", 0, kMany, file));
        FAIRY2_ASSIGN(shard.documents, base::jsonInteger(entry, "documents", 0, kMany, file));
        FAIRY2_ASSIGN(shard.sha256, base::jsonString(entry, "sha256", file));
        index.shards.push_back(std::move(shard));
    }
    return index;
}

base::Result<ShardIndex> prepareShards(const std::vector<std::string>& sources, const base::Path& folder,
                                       const PrepareOptions& options, const base::Task& task) {
    std::vector<base::Path> files;
    for (const auto& source : sources) {
        FAIRY2_ASSIGN(const auto found, findCorpusFiles(source));
        files.insert(files.end(), found.begin(), found.end());
    }
    FAIRY2_ASSIGN(const auto tokenizer, text::Tokenizer::open(options.tokenizer));
    ShardIndex wanted;
    wanted.vocabSize = tokenizer->vocabSize();
    FAIRY2_ASSIGN(wanted.tokenizerSha256, tokenizerHash(options.tokenizer));
    if (options.separator) {
        wanted.separator = *options.separator;
    } else {
        FAIRY2_ASSIGN(wanted.separator, endOfText(options.tokenizer, *tokenizer));
    }
    if (wanted.separator < 0 || wanted.separator >= wanted.vocabSize)
        return base::badInput(fmt::format("the separator {} is not an id of this tokenizer ({} ids)",
                                          wanted.separator, wanted.vocabSize),
                              options.tokenizer.string(), "separator");
    FAIRY2_ASSIGN(wanted.sources, hashSources(files, task));

    FAIRY2_TRY(base::makeDirectories(folder));
    FAIRY2_ASSIGN(const auto lock, base::FileLock::tryLock(folder / ".lock"));
    FAIRY2_ASSIGN(auto former, formerProgress(folder, wanted));
    std::error_code error;
    if (former && std::filesystem::exists(folder / kIndexName, error)) return *former;

    Preparation preparation(folder, options, *tokenizer);
    preparation.index = former ? std::move(*former) : std::move(wanted);
    preparation.doneDocuments = preparation.index.documents;
    base::Result<void> status;
    FAIRY2_ASSIGN(const auto statistics, readDocuments(
                                             files, options.reading,
                                             [&](std::string&& text) {
                                                 status = preparation.add(std::move(text));
                                                 return status.has_value();
                                             },
                                             task));
    FAIRY2_TRY(status);
    if (statistics.documents == 0)
        return base::badInput("the corpus holds no document", sources.front(), {},
                              "check the text column and the files");
    FAIRY2_TRY(preparation.finish(statistics));
    return preparation.index;
}

base::Result<TokenShards> TokenShards::open(const base::Path& folder) {
    const auto file = folder / kIndexName;
    FAIRY2_ASSIGN(const auto json, base::readJson(file, kIndexLimits));
    TokenShards corpus;
    FAIRY2_ASSIGN(corpus.m_index, ShardIndex::fromJson(json, file.string()));
    corpus.m_narrow = narrow(corpus.m_index.vocabSize);
    std::int64_t tokens = 0;
    std::int64_t documents = 0;
    for (const auto& entry : corpus.m_index.shards) {
        FAIRY2_ASSIGN(auto shard, tensors::SafetensorsFile::open(folder / entry.file));
        const auto* ids = shard.find("ids");
        const auto* ends = shard.find("ends");
        const auto wantedType = corpus.m_narrow ? tensors::DType::U16 : tensors::DType::I32;
        if (ids == nullptr || ends == nullptr || ids->dtype != wantedType ||
            ends->dtype != tensors::DType::I64 || ids->elements() != entry.tokens ||
            ends->elements() != entry.documents)
            return base::badInput("the shard does not agree with index.json", (folder / entry.file).string(),
                                  "ids", "prepare the corpus again");
        Shard mapped{std::move(shard), {}, {}, tokens, documents};
        mapped.ids = mapped.file.bytes(*mapped.file.find("ids"));
        mapped.ends = mapped.file.bytes(*mapped.file.find("ends"));
        std::int64_t last = 0;
        for (std::int64_t i = 0; i < entry.documents; ++i) {
            const auto end = loadAt<std::int64_t>(mapped.ends, i);
            if (end <= last || end > entry.tokens)
                return base::badInput(fmt::format("document {} ends at {}, outside of its place", i, end),
                                      (folder / entry.file).string(), "ends", "prepare the corpus again");
            last = end;
        }
        corpus.m_shards.push_back(std::move(mapped));
        tokens += entry.tokens;
        documents += entry.documents;
    }
    if (tokens != corpus.m_index.tokens || documents != corpus.m_index.documents)
        return base::badInput("the counts do not add up", file.string(), "tokens",
                              "prepare the corpus again");
    return corpus;
}

void TokenShards::read(std::int64_t begin, std::span<std::int32_t> out) const {
    auto shard = std::upper_bound(m_shards.begin(), m_shards.end(), begin,
                                  [](std::int64_t token, const Shard& s) { return token < s.firstToken; });
    --shard;
    std::size_t filled = 0;
    for (auto position = begin - shard->firstToken; filled < out.size(); ++shard, position = 0) {
        const auto width = m_narrow ? sizeof(std::uint16_t) : sizeof(std::int32_t);
        const auto available = static_cast<std::int64_t>(shard->ids.size() / width) - position;
        const auto count = std::min<std::int64_t>(available, static_cast<std::int64_t>(out.size() - filled));
        for (std::int64_t i = 0; i < count; ++i)
            out[filled++] = m_narrow ? loadAt<std::uint16_t>(shard->ids, position + i)
                                     : loadAt<std::int32_t>(shard->ids, position + i);
    }
}

std::vector<std::int32_t> TokenShards::document(std::int64_t number) const {
    auto shard =
        std::upper_bound(m_shards.begin(), m_shards.end(), number,
                         [](std::int64_t document, const Shard& s) { return document < s.firstDocument; });
    --shard;
    const auto local = number - shard->firstDocument;
    const auto begin = local == 0 ? 0 : loadAt<std::int64_t>(shard->ends, local - 1);
    const auto end = loadAt<std::int64_t>(shard->ends, local) - 1;
    std::vector<std::int32_t> ids(static_cast<std::size_t>(end - begin));
    if (!ids.empty()) read(shard->firstToken + begin, ids);
    return ids;
}

} // namespace fairy2::data
