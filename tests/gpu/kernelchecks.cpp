// SPDX-License-Identifier: Apache-2.0
#include "report.h"

#include "check.h"
#include "kernels/kernels.h"
#include "torchbridge.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <functional>
#include <random>
#include <vector>

namespace fairy2::gpucheck {
namespace {

using gpu::Element;
using Values = std::vector<double>;

constexpr cudaStream_t kStream = nullptr;

float roundTo(Element element, double value) {
    const auto wide = float(value);
    if (element == Element::F32) return wide;
    std::uint32_t bits = 0;
    std::memcpy(&bits, &wide, 4);
    bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000U;
    float result = 0;
    std::memcpy(&result, &bits, 4);
    return result;
}

/// Device memory holding a row of numbers in one element type.
class Buffer {
public:
    Buffer(Element element, std::size_t count) : m_element(element), m_count(count) {
        gpu::check(cudaMalloc(&m_data, std::max<std::size_t>(1, bytes())), "cudaMalloc");
        gpu::check(cudaMemset(m_data, 0, bytes()), "cudaMemset");
    }
    Buffer(Element element, const Values& values) : Buffer(element, values.size()) {
        std::vector<std::uint32_t> words(m_count);
        std::vector<std::uint16_t> halves(m_count);
        for (std::size_t i = 0; i < m_count; ++i) {
            const float value = roundTo(element, values[i]);
            std::memcpy(&words[i], &value, 4);
            halves[i] = static_cast<std::uint16_t>(words[i] >> 16);
        }
        const void* const from =
            element == Element::F32 ? static_cast<const void*>(words.data()) : halves.data();
        gpu::check(cudaMemcpy(m_data, from, bytes(), cudaMemcpyHostToDevice), "cudaMemcpy");
    }
    ~Buffer() { cudaFree(m_data); }
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;

    [[nodiscard]] void* data() const noexcept { return m_data; }
    [[nodiscard]] float* floats() const noexcept { return static_cast<float*>(m_data); }
    [[nodiscard]] Values values() const {
        std::vector<std::uint32_t> words(m_count);
        std::vector<std::uint16_t> halves(m_count);
        void* const to = m_element == Element::F32 ? static_cast<void*>(words.data()) : halves.data();
        gpu::check(cudaDeviceSynchronize(), "a kernel");
        gpu::check(cudaMemcpy(to, m_data, bytes(), cudaMemcpyDeviceToHost), "cudaMemcpy");
        Values result(m_count);
        for (std::size_t i = 0; i < m_count; ++i) {
            if (m_element == Element::BF16) words[i] = std::uint32_t(halves[i]) << 16;
            float value = 0;
            std::memcpy(&value, &words[i], 4);
            result[i] = double(value);
        }
        return result;
    }

private:
    [[nodiscard]] std::size_t bytes() const noexcept {
        return m_count * static_cast<std::size_t>(gpu::bytesOf(m_element));
    }
    Element m_element;
    std::size_t m_count;
    void* m_data = nullptr;
};

class Integers {
public:
    explicit Integers(const std::vector<std::int32_t>& values) {
        gpu::check(cudaMalloc(reinterpret_cast<void**>(&m_data), values.size() * 4), "cudaMalloc");
        gpu::check(cudaMemcpy(m_data, values.data(), values.size() * 4, cudaMemcpyHostToDevice),
                   "cudaMemcpy");
    }
    ~Integers() { cudaFree(m_data); }
    Integers(const Integers&) = delete;
    Integers& operator=(const Integers&) = delete;
    [[nodiscard]] const std::int32_t* data() const noexcept { return m_data; }

private:
    std::int32_t* m_data = nullptr;
};

/// Numbers as the element type holds them, so that the reference sees what the kernel sees.
Values randomValues(Element element, std::int64_t count, std::uint64_t seed, double deviation = 1) {
    std::mt19937_64 random(seed);
    std::normal_distribution<double> normal(0, deviation);
    Values values(static_cast<std::size_t>(count));
    for (auto& value : values)
        value = double(roundTo(element, normal(random)));
    return values;
}

/// Largest difference in units of the largest magnitude of the reference.
double worst(const Values& got, const Values& want) {
    double error = 0, most = 1e-30;
    for (std::size_t i = 0; i < want.size(); ++i) {
        error = std::max(error, std::isfinite(got[i]) ? std::abs(got[i] - want[i]) : 1e30);
        most = std::max(most, std::abs(want[i]));
    }
    return error / most;
}

struct Context {
    Report& report;
    Element element;
    void expect(const std::string& name, const Values& got, const Values& want, double looser = 1) const {
        // Half a unit in the last place of the result for bf16; a short chain of roundings for fp32.
        const double bound = (element == Element::BF16 ? 1.0 / 256 : 3e-6) * looser;
        const double error = worst(got, want);
        report.check(error <= bound, name + (element == Element::BF16 ? ", bf16" : ", fp32"),
                     fmt::format("off by {:.1e} of the largest, allowed {:.1e}", error, bound));
    }
};

void norms(const Context& on, std::int64_t width) {
    const std::int64_t rows = 77;
    const double eps = 1e-5;
    const auto e = on.element;
    const auto x = randomValues(e, rows * width, 1), dy = randomValues(e, rows * width, 2),
               residual = randomValues(e, rows * width, 3);
    const auto weight = randomValues(Element::F32, width, 4);
    Values y(x.size()), dx(x.size()), dw(weight.size());
    for (std::int64_t row = 0; row < rows; ++row) {
        const auto at = static_cast<std::size_t>(row * width);
        double squares = 0, dot = 0;
        for (std::size_t c = 0; c < weight.size(); ++c)
            squares += x[at + c] * x[at + c];
        const double r = 1 / std::sqrt(squares / double(width) + eps);
        for (std::size_t c = 0; c < weight.size(); ++c) {
            y[at + c] = x[at + c] * r * weight[c];
            dot += dy[at + c] * weight[c] * x[at + c] * r;
            dw[c] += dy[at + c] * x[at + c] * r;
        }
        for (std::size_t c = 0; c < weight.size(); ++c)
            dx[at + c] =
                residual[at + c] + r * (dy[at + c] * weight[c] - x[at + c] * r * dot / double(width));
    }
    const Buffer gx(e, x), gdy(e, dy), gResidual(e, residual), gWeight(Element::F32, weight), gy(e, x.size()),
        rstd(Element::F32, std::size_t(rows)), partial(Element::F32, std::size_t(gpu::kPartialRows * width)),
        gdw(Element::F32, weight.size());
    gpu::rmsNormForward(e, gx.data(), gWeight.floats(), gy.data(), rstd.floats(), rows, width, float(eps),
                        kStream);
    gpu::rmsNormBackward(e, gdy.data(), gx.data(), gWeight.floats(), rstd.floats(), gResidual.data(),
                         gResidual.data(), partial.floats(), rows, width, kStream);
    gpu::reducePartials(partial.floats(), gdw.floats(), width, width, false, kStream);
    const auto name = fmt::format("RMSNorm of {} columns", width);
    on.expect(name, gy.values(), y);
    on.expect(name + ", backward", gResidual.values(), dx);
    Context{on.report, Element::F32}.expect(name + ", gradient of its weight", gdw.values(), dw);
}

void swiglu(const Context& on, std::int64_t width) {
    const std::int64_t rows = 33;
    const auto e = on.element;
    const auto gateUp = randomValues(e, rows * 2 * width, 5), dy = randomValues(e, rows * width, 6);
    Values y(dy.size()), d(gateUp.size());
    for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t c = 0; c < width; ++c) {
            const auto g = std::size_t(row * 2 * width + c), u = g + std::size_t(width),
                       o = std::size_t(row * width + c);
            const double s = 1 / (1 + std::exp(-gateUp[g]));
            y[o] = gateUp[g] * s * gateUp[u];
            d[g] = dy[o] * gateUp[u] * (s + gateUp[g] * s * (1 - s));
            d[u] = dy[o] * gateUp[g] * s;
        }
    const Buffer gGateUp(e, gateUp), gdy(e, dy), gy(e, dy.size()), again(e, dy.size());
    gpu::swigluForward(e, gGateUp.data(), gy.data(), rows, width, kStream);
    const auto got = gy.values();
    gpu::swigluBackward(e, gGateUp.data(), gdy.data(), again.data(), rows, width, kStream);
    const auto name = fmt::format("SwiGLU of {} columns", width);
    on.expect(name, got, y);
    on.expect(name + ", backward", gGateUp.values(), d);
    on.report.check(again.values() == got, name + ", recomputed", "equal to the first time");
}

void loss(const Context& on, std::int64_t vocab) {
    const std::int64_t rows = 19;
    const auto e = on.element;
    const auto logits = randomValues(e, rows * vocab, 7, 3);
    std::vector<std::int32_t> labels;
    for (std::int64_t row = 0; row < rows; ++row)
        labels.push_back(row % 5 == 4 ? -1 : std::int32_t(row * 31 % vocab));
    const double scale = 0.25;
    Values losses(static_cast<std::size_t>(rows)), d(logits.size());
    for (std::int64_t row = 0; row < rows; ++row) {
        const auto label = labels[std::size_t(row)];
        if (label < 0) continue;
        const auto at = std::size_t(row * vocab);
        double most = -1e300, sum = 0;
        for (std::size_t c = 0; c < std::size_t(vocab); ++c)
            most = std::max(most, logits[at + c]);
        for (std::size_t c = 0; c < std::size_t(vocab); ++c)
            sum += std::exp(logits[at + c] - most);
        losses[std::size_t(row)] = most + std::log(sum) - logits[at + std::size_t(label)];
        for (std::size_t c = 0; c < std::size_t(vocab); ++c)
            d[at + c] = scale * (std::exp(logits[at + c] - most) / sum - (c == std::size_t(label) ? 1 : 0));
    }
    const Buffer gLogits(e, logits), gLosses(Element::F32, losses.size()),
        gScale(Element::F32, Values{scale});
    const Integers gLabels(labels);
    gpu::crossEntropy(e, gLogits.data(), gLabels.data(), gLosses.floats(), rows, vocab, gScale.floats(),
                      kStream);
    const auto name = fmt::format("cross-entropy over {} ids", vocab);
    Context{on.report, Element::F32}.expect(name + (e == Element::BF16 ? " of bf16" : ""), gLosses.values(),
                                            losses);
    on.expect(name + ", gradient", gLogits.values(), d);
}

void distillation(const Context& on, std::int64_t vocab, const gpu::Distillation& how) {
    const std::int64_t rows = 11;
    const auto e = on.element;
    const auto logits = randomValues(e, rows * vocab, 17, 3), teacher = randomValues(e, rows * vocab, 18, 3);
    std::vector<std::int32_t> labels;
    for (std::int64_t row = 0; row < rows; ++row)
        labels.push_back(row == 3 ? -1 : std::int32_t(row * 37 % vocab));
    const double scale = 0.5, tau = double(how.temperature);
    Values losses(static_cast<std::size_t>(rows)), divergences(losses.size()), d(logits.size());
    const auto softmax = [&](const double* row, double temperature, double& logSum) {
        Values p(row, row + vocab);
        const double most = *std::max_element(p.begin(), p.end());
        double sum = 0;
        for (auto& each : p)
            sum += each = std::exp((each - most) / temperature);
        for (auto& each : p)
            each /= sum;
        logSum = most / temperature + std::log(sum);
        return p;
    };
    for (std::size_t row = 0; row < losses.size(); ++row) {
        if (labels[row] < 0) continue;
        const double* const s = &logits[row * std::size_t(vocab)];
        const double* const t = &teacher[row * std::size_t(vocab)];
        double plainSum = 0, softSum = 0, teacherSum = 0;
        const auto plain = softmax(s, 1, plainSum), soft = softmax(s, tau, softSum),
                   taught = softmax(t, tau, teacherSum);
        losses[row] = plainSum - s[labels[row]];
        for (std::size_t c = 0; c < std::size_t(vocab); ++c) {
            divergences[row] += taught[c] * (t[c] / tau - teacherSum - s[c] / tau + softSum);
            d[row * std::size_t(vocab) + c] =
                scale * (double(how.ceWeight) * (plain[c] - (std::int32_t(c) == labels[row] ? 1 : 0)) +
                         double(how.weight) * tau * (soft[c] - taught[c]));
        }
    }
    const Buffer gLogits(e, logits), gTeacher(e, teacher), gLosses(Element::F32, losses.size()),
        gDivergences(Element::F32, losses.size()), gScale(Element::F32, Values{scale});
    const Integers gLabels(labels);
    gpu::distillLoss(e, gLogits.data(), gTeacher.data(), gLabels.data(), gLosses.floats(),
                     gDivergences.floats(), rows, vocab, how, gScale.floats(), kStream);
    const auto name =
        fmt::format("distillation over {} ids at {}, CE × {}", vocab, how.temperature, how.ceWeight);
    const Context exact{on.report, Element::F32};
    exact.expect(name + ", CE", gLosses.values(), losses);
    exact.expect(name + ", KL", gDivergences.values(), divergences, 3);
    on.expect(name + ", gradient", gLogits.values(), d);
}

void embedding(const Context& on) {
    const std::int64_t tokens = 300, width = 64, vocab = 50;
    const auto e = on.element;
    const auto dx = randomValues(e, tokens * width, 8), table = randomValues(Element::F32, vocab * width, 9);
    std::vector<std::int32_t> ids, order;
    for (std::int64_t t = 0; t < tokens; ++t)
        ids.push_back(std::int32_t(t % 3 == 0 ? 7 : t * 13 % vocab));
    for (std::int32_t id = 0; id < vocab; ++id)
        for (std::int64_t t = 0; t < tokens; ++t)
            if (ids[std::size_t(t)] == id) order.push_back(std::int32_t(t));
    Values x(dx.size()), gradient(table.size());
    for (std::size_t i = 0; i < dx.size(); ++i) {
        const auto at = std::size_t(ids[i / width]) * width + i % width;
        x[i] = table[at];
        gradient[at] += dx[i];
    }
    const Buffer gTable(Element::F32, table), gx(e, dx.size()), gdx(e, dx),
        gGradient(Element::F32, table.size());
    const Integers gIds(ids), gOrder(order);
    gpu::embedForward(e, gIds.data(), gTable.floats(), gx.data(), tokens, width, kStream);
    gpu::embedBackward(e, gIds.data(), gOrder.data(), gdx.data(), gGradient.floats(), tokens, width, kStream);
    on.expect("embedding", gx.values(), x);
    Context{on.report, Element::F32}.expect("embedding, gradient of its table", gGradient.values(), gradient);
}

// Attention in double on q, k, v in rows of `row` numbers, and its gradients.
struct Attention {
    Values out, dq, dk, dv;
};
Attention attentionReference(const Values& qkv, const Values& dOut, const gpu::HeadShape& s, double scale) {
    const auto heads = std::size_t(s.heads), kv = std::size_t(s.kvHeads), dim = std::size_t(s.dim),
               length = std::size_t(s.sequence), tokens = std::size_t(s.tokens),
               row = std::size_t(s.rowWidth());
    Attention r{Values(tokens * heads * dim), Values(tokens * heads * dim), Values(tokens * kv * dim),
                Values(tokens * kv * dim)};
    for (std::size_t t = 0; t < tokens; ++t)
        for (std::size_t h = 0; h < heads; ++h) {
            const std::size_t g = h / (heads / kv), first = t / length * length;
            const double* const q = &qkv[t * row + h * dim];
            const auto key = [&](std::size_t j) { return &qkv[j * row + (heads + g) * dim]; };
            const auto value = [&](std::size_t j) { return &qkv[j * row + (heads + kv + g) * dim]; };
            Values p;
            double sum = 0;
            for (std::size_t j = first; j <= t; ++j) {
                double score = 0;
                for (std::size_t d = 0; d < dim; ++d)
                    score += q[d] * key(j)[d];
                p.push_back(std::exp(score * scale));
                sum += p.back();
            }
            const auto at = (t * heads + h) * dim;
            double delta = 0;
            for (std::size_t j = first; j <= t; ++j) {
                p[j - first] /= sum;
                for (std::size_t d = 0; d < dim; ++d)
                    r.out[at + d] += p[j - first] * value(j)[d];
            }
            for (std::size_t d = 0; d < dim; ++d)
                delta += r.out[at + d] * dOut[at + d];
            for (std::size_t j = first; j <= t; ++j) {
                double dp = 0;
                for (std::size_t d = 0; d < dim; ++d)
                    dp += dOut[at + d] * value(j)[d];
                const double ds = p[j - first] * (dp - delta) * scale;
                for (std::size_t d = 0; d < dim; ++d) {
                    r.dq[at + d] += ds * key(j)[d];
                    r.dk[(j * kv + g) * dim + d] += ds * q[d];
                    r.dv[(j * kv + g) * dim + d] += p[j - first] * dOut[at + d];
                }
            }
        }
    return r;
}

void attention(const Context& on) {
    const gpu::HeadShape shape{2 * 160, 160, 6, 2, 64};
    const auto e = on.element;
    const auto qkv = randomValues(e, shape.tokens * shape.rowWidth(), 10),
               dOut = randomValues(e, shape.tokens * shape.heads * shape.dim, 11);
    const float scale = 0.125F;
    const auto want = attentionReference(qkv, dOut, shape, double(scale));
    const Buffer gQkv(e, qkv), gdOut(e, dOut), out(e, want.out.size()),
        lse(Element::F32, std::size_t(shape.tokens * shape.heads)), dq(e, want.dq.size()),
        dk(e, want.dk.size()), dv(e, want.dv.size());
    const auto bytes = std::size_t(shape.dim) * std::size_t(gpu::bytesOf(e));
    gpu::AttentionInput in;
    in.q = gQkv.data();
    in.k = static_cast<const char*>(gQkv.data()) + std::size_t(shape.heads) * bytes;
    in.v = static_cast<const char*>(gQkv.data()) + std::size_t(shape.heads + shape.kvHeads) * bytes;
    in.qStride = in.kStride = in.vStride = shape.rowWidth();
    gpu::attentionForward(e, in, out.data(), lse.floats(), shape, scale, kStream);
    gpu::attentionBackward(e, in, out.data(), lse.floats(), gdOut.data(), dq.data(), dk.data(), dv.data(),
                           shape, scale, kStream);
    on.expect("own attention", out.values(), want.out);
    on.expect("own attention, dq", dq.values(), want.dq, 2);
    on.expect("own attention, dk", dk.values(), want.dk, 2);
    on.expect("own attention, dv", dv.values(), want.dv, 2);
    if (e != Element::BF16) return;
    gpu::TorchBridge bridge(0, false);
    for (const auto library : {gpu::TorchBridge::Library::Cudnn, gpu::TorchBridge::Library::Flash}) {
        const std::string name = gpu::TorchBridge::name(library);
        try {
            bridge.setLibrary(library);
            const auto copy = [&](const void* from, std::size_t count) {
                const Buffer to(e, count);
                gpu::check(cudaStreamSynchronize(bridge.stream()), "attention");
                gpu::check(cudaMemcpy(to.data(), from, count * 2, cudaMemcpyDeviceToDevice), "cudaMemcpy");
                return to.values();
            };
            on.expect(name + " attention",
                      copy(bridge.attentionForward(0, in, shape, scale), want.out.size()), want.out, 2);
            const auto gradients = bridge.attentionBackward(0, in, gdOut.data(), shape, scale);
            // The libraries round the probabilities to bf16 on the way.
            on.expect(name + " attention, dq", copy(gradients.dq, want.dq.size()), want.dq, 3);
            on.expect(name + " attention, dk", copy(gradients.dk, want.dk.size()), want.dk, 3);
            on.expect(name + " attention, dv", copy(gradients.dv, want.dv.size()), want.dv, 3);
        } catch (const std::exception& failure) {
            on.report.check(false, name + " attention", std::string(failure.what()).substr(0, 300));
        }
    }
}

void rope(const Context& on, int dim, bool norm) {
    const gpu::HeadShape shape{60, 20, 3, 1, dim};
    const auto e = on.element;
    const std::size_t half = std::size_t(dim) / 2, heads = 4, row = std::size_t(shape.rowWidth());
    const double eps = 1e-6;
    const auto qkv = randomValues(e, shape.tokens * shape.rowWidth(), 12),
               dq = randomValues(e, 60 * 3 * dim, 13), dk = randomValues(e, 60 * dim, 14),
               dv = randomValues(e, 60 * dim, 15);
    Values weights = randomValues(Element::F32, 2 * dim, 16), cosines, sines;
    if (!norm) weights.assign(weights.size(), 1);
    for (std::size_t p = 0; p < 20; ++p)
        for (std::size_t j = 0; j < half; ++j) {
            const double angle = double(p) * std::pow(10000.0, -double(j) / double(half));
            cosines.push_back(double(float(std::cos(angle))));
            sines.push_back(double(float(std::sin(angle))));
        }
    Values turned(60 * heads * std::size_t(dim)), d(qkv.size()), dw(std::size_t(2 * dim));
    for (std::size_t t = 0; t < 60; ++t) {
        for (std::size_t h = 0; h < heads; ++h) {
            const double* const x = &qkv[t * row + h * std::size_t(dim)];
            const double* const w = &weights[h < 3 ? 0 : std::size_t(dim)];
            const double* const g = h < 3 ? &dq[(t * 3 + h) * std::size_t(dim)] : &dk[t * std::size_t(dim)];
            double squares = 0, dot = 0;
            for (std::size_t c = 0; c < std::size_t(dim); ++c)
                squares += x[c] * x[c];
            const double r = norm ? 1 / std::sqrt(squares / dim + eps) : 1;
            Values back(static_cast<std::size_t>(dim));
            for (std::size_t j = 0; j < half; ++j) {
                const double c = cosines[t % 20 * half + j], s = sines[t % 20 * half + j];
                const double low = x[j] * r * w[j], high = x[j + half] * r * w[j + half];
                double* const to = &turned[(t * heads + h) * std::size_t(dim)];
                to[j] = low * c - high * s;
                to[j + half] = high * c + low * s;
                back[j] = g[j] * c + g[j + half] * s;
                back[j + half] = g[j + half] * c - g[j] * s;
            }
            for (std::size_t c = 0; c < std::size_t(dim); ++c) {
                dot += back[c] * w[c] * x[c] * r;
                dw[(h < 3 ? 0 : std::size_t(dim)) + c] += back[c] * x[c] * r;
            }
            for (std::size_t c = 0; c < std::size_t(dim); ++c)
                d[t * row + h * std::size_t(dim) + c] =
                    norm ? r * (back[c] * w[c] - x[c] * r * dot / dim) : back[c];
        }
        for (std::size_t c = 0; c < std::size_t(dim); ++c)
            d[t * row + heads * std::size_t(dim) + c] = dv[t * std::size_t(dim) + c];
    }
    const Buffer gQkv(e, qkv), gdq(e, dq), gdk(e, dk), gdv(e, dv), gWeights(Element::F32, weights),
        gCos(Element::F32, cosines), gSin(Element::F32, sines), gTurned(e, turned.size()), gd(e, d.size()),
        partial(Element::F32, std::size_t(gpu::kPartialRows * 2 * dim)), gdw(Element::F32, dw.size());
    const auto name = fmt::format("rotary positions{} of heads of {}", norm ? " with norms" : "", dim);
    Values got;
    if (norm) {
        gpu::ropeNormForward(e, gQkv.data(), gWeights.floats(), gWeights.floats() + dim, gTurned.data(),
                             gCos.floats(), gSin.floats(), shape, float(eps), kStream);
        gpu::ropeNormBackward(e, gQkv.data(), gWeights.floats(), gWeights.floats() + dim, gdq.data(),
                              gdk.data(), gdv.data(), gd.data(), partial.floats(), gCos.floats(),
                              gSin.floats(), shape, float(eps), kStream);
        gpu::reducePartials(partial.floats(), gdw.floats(), 2 * dim, 2 * dim, false, kStream);
        got = gTurned.values();
        Context{on.report, Element::F32}.expect(name + ", gradients of the weights", gdw.values(), dw);
    } else {
        gpu::ropeBackward(e, gdq.data(), gdk.data(), gdv.data(), gd.data(), gCos.floats(), gSin.floats(),
                          shape, kStream);
        gpu::ropeForward(e, gQkv.data(), gCos.floats(), gSin.floats(), shape, kStream);
        const auto all = gQkv.values();
        for (std::size_t t = 0; t < 60; ++t)
            got.insert(got.end(), all.begin() + std::ptrdiff_t(t * row),
                       all.begin() + std::ptrdiff_t(t * row + heads * std::size_t(dim)));
    }
    on.expect(name, got, turned);
    on.expect(name + ", backward", gd.values(), d);
}

} // namespace

void checkKernels(Report& report) {
    for (const auto element : {Element::F32, Element::BF16}) {
        const Context on{report, element};
        for (const std::int64_t width : {52, 64, 576, 2560})
            norms(on, width);
        for (const std::int64_t width : {172, 1536})
            swiglu(on, width);
        for (const std::int64_t vocab : {307, 512, 49152})
            loss(on, vocab);
        distillation(on, 307, {1, 0.5F, 2});
        distillation(on, 49152, {0, 1, 1});
        embedding(on);
        for (const int dim : {8, 64})
            rope(on, dim, false);
        for (const int dim : {16, 128})
            rope(on, dim, true);
        attention(on);
    }
}

} // namespace fairy2::gpucheck
