// SPDX-License-Identifier: Apache-2.0
#include "parameterspace.h"

#include <QTest>

using namespace fairy2::gpu;

/// Where the GPU engine keeps a model's parameters; needs no GPU.
class TestParameterSpace : public QObject {
    Q_OBJECT

private slots:
    void everyParameterIsThereOnce_data() {
        QTest::addColumn<bool>("tied");
        QTest::addColumn<bool>("qkNorm");
        QTest::addColumn<int>("parameters");
        QTest::newRow("Llama with a tied head") << true << false << 2 * 9 + 2;
        QTest::newRow("Llama with its own head") << false << false << 2 * 9 + 3;
        QTest::newRow("Qwen3 with norms on q and k") << true << true << 2 * 11 + 2;
    }
    void everyParameterIsThereOnce() {
        QFETCH(bool, tied);
        QFETCH(bool, qkNorm);
        QFETCH(int, parameters);
        const ParameterSpace space(shape(tied, qkNorm), {});
        QCOMPARE(int(space.parameters().size()), parameters);
        std::int64_t end = 0, weights = 0;
        for (const auto& parameter : space.parameters()) {
            QVERIFY2(parameter.offset >= end, parameter.name.c_str());
            QVERIFY(parameter.offset - end < ParameterSpace::kAlignment);
            end = parameter.offset + parameter.elements();
            weights += parameter.elements();
            QCOMPARE(space.parameters()[std::size_t(space.find(parameter.name))].offset, parameter.offset);
        }
        QVERIFY(space.elements() >= end);
        QCOMPARE(space.elements() % ParameterSpace::kAlignment, 0);
        QCOMPARE(space.weights(), weights);
        QCOMPARE(space.head() == space.embedding(), tied);
        QCOMPARE(space.find("model.layers.2.mlp.up_proj.weight"), -1);
    }

    void fusedMatricesStandWithoutAGap() {
        const auto model = shape(true, true);
        const ParameterSpace space(model, {});
        const auto at = [&](const char* name) {
            return space
                .parameters()[std::size_t(space.find(std::string("model.layers.1.") + name + ".weight"))];
        };
        const auto& block = space.blocks()[1];
        QCOMPARE(at("self_attn.q_proj").offset, block.qkv);
        QCOMPARE(at("self_attn.k_proj").offset, block.qkv + at("self_attn.q_proj").elements());
        QCOMPARE(at("self_attn.v_proj").offset,
                 at("self_attn.k_proj").offset + at("self_attn.k_proj").elements());
        QCOMPARE(at("self_attn.v_proj").offset + at("self_attn.v_proj").elements() - block.qkv,
                 model.qkvWidth() * model.hidden);
        QCOMPARE(at("mlp.up_proj").offset, block.gateUp + at("mlp.gate_proj").elements());
        for (const auto offset :
             {block.inputNorm, block.qkv, block.output, block.postNorm, block.gateUp, block.down})
            QCOMPARE(offset % ParameterSpace::kAlignment, 0);
    }

    void recipesReachTheirMatrices() {
        auto model = shape(true, false);
        std::vector<LinearRecipe> recipes(15, {2, 1});
        recipes[7 + 3].stages = 3; // o of block 1
        recipes[14].stages = 4;    // the head
        const ParameterSpace space(model, recipes);
        const auto stages = [&](const char* name) {
            return space.parameters()[std::size_t(space.find(name))].recipe.stages;
        };
        QCOMPARE(stages("model.layers.0.self_attn.o_proj.weight"), 2);
        QCOMPARE(stages("model.layers.1.self_attn.o_proj.weight"), 3);
        QCOMPARE(stages("model.embed_tokens.weight"), 4);
        QCOMPARE(stages("model.norm.weight"), 0);
        model.intermediate = 173;
        const ParameterSpace odd(model, recipes);
        QCOMPARE(odd.parameters()[std::size_t(odd.find("model.layers.0.mlp.down_proj.weight"))].recipe.stages,
                 0);
    }

private:
    static ModelShape shape(bool tied, bool qkNorm) { return {300, 60, 172, 2, 4, 2, 16, tied, qkNorm}; }
};

QTEST_APPLESS_MAIN(TestParameterSpace)
#include "tst_parameterspace.moc"
