<?xml version="1.0" encoding="utf-8"?>
<!DOCTYPE TS>
<TS version="2.1" language="en_US" sourcelanguage="en_US">
<context>
    <name>fairy2::docks::JobStrip</name>
    <message numerus="yes">
        <source>and %n more</source>
        <translation>
            <numerusform>and %n more</numerusform>
            <numerusform>and %n more</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>fairy2::docks::SystemSampler</name>
    <message numerus="yes">
        <source>%n core(s)</source>
        <translation>
            <numerusform>%n core</numerusform>
            <numerusform>%n cores</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>fairy2::pages::DetailPanel</name>
    <message numerus="yes">
        <source>%n layer(s), W1</source>
        <translation>
            <numerusform>%n layer, W1</numerusform>
            <numerusform>%n layers, W1</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>fairy2::pages::LayerAnalysis</name>
    <message numerus="yes">
        <source>Analysing %n layer(s)</source>
        <translation>
            <numerusform>Analysing %n layer</numerusform>
            <numerusform>Analysing %n layers</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>fairy2::pages::LayersPanel</name>
    <message numerus="yes">
        <source>%n linear(s)</source>
        <translation>
            <numerusform>%n linear</numerusform>
            <numerusform>%n linears</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>%n kept</source>
        <translation>
            <numerusform>%n kept</numerusform>
            <numerusform>%n kept</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>fairy2::plots::DensityPlot</name>
    <message numerus="yes">
        <source>%n entries</source>
        <translation>
            <numerusform>%n entry</numerusform>
            <numerusform>%n entries</numerusform>
        </translation>
    </message>
</context>
<context>
    <name>fairy2::shell::StatusStrip</name>
    <message numerus="yes">
        <source>+%n more</source>
        <translation>
            <numerusform>+%n more</numerusform>
            <numerusform>+%n more</numerusform>
        </translation>
    </message>
    <message numerus="yes">
        <source>registry: %n run(s)</source>
        <translation>
            <numerusform>registry: %n run</numerusform>
            <numerusform>registry: %n runs</numerusform>
        </translation>
    </message>
</context>
</TS>
