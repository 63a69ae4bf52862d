// SPDX-License-Identifier: Apache-2.0
#include "models/rowshape.h"

#include "data/tokenrows.h"
#include "tensors/safetensors.h"

namespace fairy2::itemmodels {

base::Result<RowShape> rowShape(const base::Path& file, const std::string& key) {
    if (file.extension() == ".safetensors") {
        FAIRY2_ASSIGN(const auto tokens, tensors::SafetensorsFile::open(file));
        const auto* rows =
            key.empty() && !tokens.tensors().empty() ? &tokens.tensors().front() : tokens.find(key);
        if (rows == nullptr || rows->shape.size() != 2)
            return base::badInput("there is no matrix of token rows under '" + key + "'", file.string(),
                                  "data.tokens_key");
        return RowShape{rows->shape[0], rows->shape[1]};
    }
    FAIRY2_ASSIGN(const auto rows, data::TokenRows::open(file, key));
    return RowShape{rows.rows(), rows.rows() > 0 ? rows.tokens() / rows.rows() : 0};
}

} // namespace fairy2::itemmodels
