// SPDX-License-Identifier: Apache-2.0
#include "data/parquet.h"

#include "base/paths.h"
#include "data/arrow/interface.h"

#include <array>
#include <dlfcn.h>

namespace fairy2::data {
namespace {

struct Module {
    decltype(&fairy2_parquet_columns) columns = nullptr;
    decltype(&fairy2_parquet_read) read = nullptr;
};

base::Result<Module> load() {
    const auto missing = [](const std::string& why) {
        return base::fail(base::ErrorCode::Failed, "Parquet cannot be read here: " + why, {}, {},
                          "./dev build makes the module fairy2_arrow.so; or convert the file to .jsonl");
    };
    const auto path = base::findProgram("fairy2_arrow.so");
    if (!path) return missing("fairy2_arrow.so is not beside the program");
    void* handle = ::dlopen(path->c_str(), RTLD_NOW | RTLD_LOCAL);
    if (handle == nullptr) return missing(::dlerror());
    const auto version =
        reinterpret_cast<decltype(&fairy2_arrow_version)>(::dlsym(handle, "fairy2_arrow_version"));
    Module module{reinterpret_cast<decltype(module.columns)>(::dlsym(handle, "fairy2_parquet_columns")),
                  reinterpret_cast<decltype(module.read)>(::dlsym(handle, "fairy2_parquet_read"))};
    if (version == nullptr || version() != FAIRY2_ARROW_VERSION || module.columns == nullptr ||
        module.read == nullptr)
        return missing("fairy2_arrow.so is of another version");
    return module;
}

const base::Result<Module>& module() {
    static const auto loaded = load();
    return loaded;
}

using ErrorText = std::array<char, 1024>;

tl::unexpected<base::Error> refused(const ErrorText& text, const base::Path& path) {
    return base::badInput(std::string("the Parquet file cannot be read: ") + text.data(), path.string(), {},
                          "the file may be damaged; fetch it again");
}

} // namespace

base::Result<std::vector<ParquetColumn>> parquetColumns(const base::Path& path) {
    if (!module()) return tl::unexpected(module().error());
    std::vector<ParquetColumn> columns;
    Fairy2ParquetSink sink{};
    sink.context = &columns;
    sink.column = [](void* context, const char* name, int text) {
        static_cast<std::vector<ParquetColumn>*>(context)->push_back({name, text != 0});
    };
    ErrorText error{};
    if (module()->columns(path.c_str(), &sink, error.data(), error.size()) != 0) return refused(error, path);
    return columns;
}

base::Result<void> readParquetColumn(const base::Path& path, const std::string& column,
                                     const std::function<bool(std::optional<std::string_view>)>& value) {
    using Value = std::function<bool(std::optional<std::string_view>)>;
    if (!module()) return tl::unexpected(module().error());
    Fairy2ParquetSink sink{};
    sink.context = const_cast<Value*>(&value);
    sink.value = [](void* context, const char* data, size_t size) -> int {
        const auto& receive = *static_cast<const Value*>(context);
        return receive(data == nullptr ? std::nullopt : std::optional(std::string_view(data, size))) ? 1 : 0;
    };
    ErrorText error{};
    if (module()->read(path.c_str(), column.c_str(), &sink, error.data(), error.size()) != 0)
        return refused(error, path);
    return {};
}

} // namespace fairy2::data
