// SPDX-License-Identifier: Apache-2.0
#include "matrixexample.h"

#include "quant/analysis.h"
#include "quant/phase.h"
#include "table.h"

#include <array>
#include <cmath>
#include <fmt/format.h>

namespace fairy2::cli {
namespace {

using base::Json;
using quant::QuantizedMatrix;

constexpr const char* kField = "--matrix";
constexpr std::array kCodeNames{"+1", "+i", "-1", "-i"};

struct Dense {
    std::int64_t rows = 0;
    std::int64_t cols = 0;
    std::vector<float> values;

    [[nodiscard]] quant::MatrixView view() const { return {values.data(), rows, cols}; }
    [[nodiscard]] float at(std::int64_t row, std::int64_t col) const {
        return values[static_cast<std::size_t>(row * cols + col)];
    }
};

base::Result<Dense> parseMatrix(const std::string& text) {
    const auto refuse = [](std::string why) {
        return base::badInput(std::move(why), {}, kField, "give rows of numbers: '[[3,-1],[2,1]]'");
    };
    auto json = base::parseJson(text, {});
    if (!json) return refuse(json.error().message);
    if (!json->is_array() || json->empty()) return refuse("a list of rows was expected");
    Dense matrix;
    matrix.rows = static_cast<std::int64_t>(json->size());
    for (const auto& row : *json) {
        if (!row.is_array() || row.empty()) return refuse("a row is not a list of numbers");
        if (matrix.cols == 0) matrix.cols = static_cast<std::int64_t>(row.size());
        if (static_cast<std::int64_t>(row.size()) != matrix.cols)
            return refuse(fmt::format("a row has {} numbers, the first one {}", row.size(), matrix.cols));
        for (const auto& value : row) {
            if (!value.is_number()) return refuse(fmt::format("{} is not a number", value.dump()));
            matrix.values.push_back(value.get<float>());
            if (!std::isfinite(matrix.values.back()))
                return refuse(fmt::format("{} does not fit fp32", value.dump()));
        }
    }
    return matrix;
}

// The shortest decimal that reads back as the same fp32, so that 0.1 is not 0.10000000149011612.
double decimal(float value) {
    return std::stod(fmt::format("{}", value + 0.0F)); // −0 is shown as 0
}

std::string number(float value) {
    return fmt::format("{:.6g}", value + 0.0F);
}

std::string complexNumber(float re, float im) {
    if (im == 0) return number(re);
    if (re == 0) return number(im) + "i";
    return number(re) + (im < 0 ? "" : "+") + number(im) + "i";
}

Json complexRows(const quant::ComplexMatrix& matrix) {
    auto rows = Json::array();
    for (std::int64_t i = 0; i < matrix.rows; ++i) {
        auto row = Json::array();
        for (std::int64_t j = 0; j < matrix.cols; ++j) {
            const auto k = static_cast<std::size_t>(i * matrix.cols + j);
            row.push_back({decimal(matrix.re[k]), decimal(matrix.im[k])});
        }
        rows.push_back(std::move(row));
    }
    return rows;
}

Json realRows(const Dense& matrix) {
    auto rows = Json::array();
    for (std::int64_t i = 0; i < matrix.rows; ++i) {
        auto row = Json::array();
        for (std::int64_t j = 0; j < matrix.cols; ++j)
            row.push_back(decimal(matrix.at(i, j)));
        rows.push_back(std::move(row));
    }
    return rows;
}

// One scale is a number, several are a list in the order of their groups.
Json scaleValue(const std::vector<float>& scales) {
    if (scales.size() == 1) return decimal(scales[0]);
    auto list = Json::array();
    for (const float scale : scales)
        list.push_back(decimal(scale));
    return list;
}

Json stageHalf(const quant::StageCodes& stage, std::int64_t cols) {
    auto rows = Json::array();
    for (std::size_t k = 0; k < stage.codes.size(); ++k) {
        if (k % static_cast<std::size_t>(cols) == 0) rows.push_back(Json::array());
        rows.back().push_back(stage.codes[k]);
    }
    return {{"s_re", scaleValue(stage.sRe)}, {"s_im", scaleValue(stage.sIm)}, {"codes", std::move(rows)}};
}

// A matrix with its name before the first row; `entry` makes the text of one.
template <typename Entry>
std::string matrixText(const std::string& name, std::int64_t rows, std::int64_t cols, const Entry& entry) {
    std::vector<std::string> headings(static_cast<std::size_t>(cols) + 1, ">");
    headings.front().clear();
    Table table(std::move(headings));
    for (std::int64_t i = 0; i < rows; ++i) {
        std::vector<std::string> row{i == 0 ? name : ""};
        for (std::int64_t j = 0; j < cols; ++j)
            row.push_back(entry(i, j));
        table.add(std::move(row));
    }
    return table.text();
}

std::string realText(const std::string& name, const Dense& matrix) {
    return matrixText(name, matrix.rows, matrix.cols,
                      [&](std::int64_t i, std::int64_t j) { return number(matrix.at(i, j)); });
}

std::string complexText(const std::string& name, const quant::ComplexMatrix& matrix) {
    return matrixText(name, matrix.rows, matrix.cols, [&](std::int64_t i, std::int64_t j) {
        const auto k = static_cast<std::size_t>(i * matrix.cols + j);
        return complexNumber(matrix.re[k], matrix.im[k]);
    });
}

// Σ over the stages of codeword times scale.
quant::ComplexMatrix codewordSum(const QuantizedMatrix& q, quant::StageCodes QuantizedMatrix::Stage::*half) {
    const auto n = q.rows / 2;
    const auto m = q.cols / 2;
    const auto size = static_cast<std::size_t>(n * m);
    quant::ComplexMatrix sum{n, m, std::vector<float>(size), std::vector<float>(size)};
    for (const auto& stage : q.stages) {
        const auto& codes = stage.*half;
        for (std::size_t k = 0; k < size; ++k) {
            const auto index = static_cast<std::int64_t>(k);
            const auto g = static_cast<std::size_t>(quant::scaleGroupOf(q.scale, m, index / m, index % m));
            const auto phase = static_cast<quant::Phase>(codes.codes[k]);
            const auto sign = static_cast<float>(quant::signOf(phase));
            if (quant::onRealAxis(phase))
                sum.re[k] += sign * codes.sRe[g];
            else
                sum.im[k] += sign * codes.sIm[g];
        }
    }
    return sum;
}

// An axis that no entry of its group lies on has no scale worth showing.
std::string scaleText(const std::vector<float>& scales) {
    std::string text;
    for (const float scale : scales) {
        if (!text.empty()) text += ' ';
        text += scale > quant::kScaleFloor ? number(scale) : "–";
    }
    return text;
}

std::string codeText(const quant::StageCodes& stage, std::int64_t cols) {
    std::string text;
    for (std::size_t k = 0; k < stage.codes.size(); ++k) {
        if (k > 0) text += k % static_cast<std::size_t>(cols) == 0 ? " | " : " ";
        text += kCodeNames.at(stage.codes[k]);
    }
    return text;
}

std::string stageText(const QuantizedMatrix& q, const quant::LayerReport& report) {
    Table table({"stage", "", ">s_re", ">s_im", "codes", ">left after it"});
    for (std::size_t t = 0; t < q.stages.size(); ++t) {
        const auto add = [&](const char* name, const quant::StageCodes& half, bool first) {
            table.add({first ? std::to_string(t + 1) : "", name, scaleText(half.sRe), scaleText(half.sIm),
                       codeText(half, q.cols / 2),
                       first ? fmt::format("{:.2f} %", 100 * report.stages[t].residualEnergy) : ""});
        };
        add("U", q.stages[t].u, true);
        add("W", q.stages[t].w, false);
    }
    return table.text();
}

} // namespace

base::Result<Outcome> matrixExample(const std::string& text, const quant::LayerRecipe& recipe) {
    FAIRY2_ASSIGN(const auto a, parseMatrix(text));
    auto form = quant::toWidelyLinear(a.view());
    if (!form) {
        form.error().field = kField;
        return tl::unexpected(form.error());
    }
    FAIRY2_ASSIGN(const auto q, quant::quantize(a.view(), recipe));
    FAIRY2_ASSIGN(const auto report, quant::analyze("matrix", a.view(), recipe));
    const Dense aq{a.rows, a.cols, quant::dequantize(q)};
    const auto uq = codewordSum(q, &QuantizedMatrix::Stage::u);
    const auto wq = codewordSum(q, &QuantizedMatrix::Stage::w);

    auto stages = Json::array();
    for (std::size_t t = 0; t < q.stages.size(); ++t)
        stages.push_back({{"U", stageHalf(q.stages[t].u, a.cols / 2)},
                          {"W", stageHalf(q.stages[t].w, a.cols / 2)},
                          {"residual_energy", report.stages[t].residualEnergy}});
    Outcome outcome;
    outcome.document = {{"A", realRows(a)},
                        {"U", complexRows(form->u)},
                        {"W", complexRows(form->w)},
                        {"stages", std::move(stages)},
                        {"U_q", complexRows(uq)},
                        {"W_q", complexRows(wq)},
                        {"A_q", realRows(aq)},
                        {"scale_granularity", name(recipe.scale)},
                        {"relative_error", report.relativeError}};
    outcome.text = realText("A", a) + "\ny = A x = U x + W conj(x), x and y as complex halves:\n" +
                   complexText("U", form->u) + complexText("W", form->w) + '\n' + stageText(q, report) +
                   '\n' + complexText("U_q", uq) + complexText("W_q", wq) + '\n' + realText("A_q", aq);
    return outcome;
}

} // namespace fairy2::cli
