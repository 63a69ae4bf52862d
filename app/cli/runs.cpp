// SPDX-License-Identifier: Apache-2.0
#include "runs/registry.h"

#include "base/clock.h"
#include "follow.h"
#include "runs/launcher.h"
#include "runscompare.h"
#include "table.h"
#include "units.h"

#include <cmath>
#include <fmt/format.h>

namespace fairy2::cli {
namespace {

using runs::Registry;
using runs::RunDirectory;
using runs::RunSummary;

struct Options {
    std::vector<std::string> names; // runs
    std::vector<std::string> metrics;
    std::vector<std::string> words; // tags, or a note
    std::string state;
    bool all = false;
    bool remove = false;
    bool detach = false;
};

using Body = base::Result<Outcome> (*)(const Options&, Registry&, const base::Task&);

std::string shortId(const RunSummary& run) {
    return run.uuid.substr(0, 8);
}

std::string numberText(const std::optional<double>& value) {
    return value ? fmt::format("{:.4f}", *value) : std::string("–");
}

base::Json numberOrNull(double value) {
    return std::isfinite(value) ? base::Json(value) : base::Json();
}

base::Json runRow(const RunSummary& run, const std::optional<double>& loss) {
    auto row = runDocument(run, loss);
    row["name"] = run.annotations.name;
    row["tags"] = run.annotations.tags;
    row["notes"] = run.annotations.notes;
    row["archived"] = run.annotations.archived;
    row["max_steps"] = run.maxSteps;
    row["created"] = run.created;
    row["updated"] = run.updated;
    return row;
}

// "w2", "fp" and the like of a run's configuration.
std::string modeText(const RunSummary& run) {
    const auto stages = run.config.value(base::Json::json_pointer("/training/stages"), base::Json());
    if (!stages.is_number_integer()) return {};
    return stages == 0 ? "fp" : fmt::format("w{}", stages.get<int>());
}

std::string modelText(const RunSummary& run) {
    const auto text = [&run](const char* pointer) {
        const auto value = run.config.value(base::Json::json_pointer(pointer), base::Json());
        return value.is_string() ? value.get<std::string>() : std::string();
    };
    const auto name = text("/model/name");
    return name.empty() || name == "custom" ? base::Path(text("/model/path")).filename().string() : name;
}

base::Result<Outcome> list(const Options& options, Registry& registry, const base::Task& /*task*/) {
    FAIRY2_ASSIGN(const auto runs, registry.runs(options.all));
    Outcome outcome;
    auto rows = base::Json::array();
    Table table({"run", "name", "state", ">step", "", ">loss", "model", "mode", ">age", "tags"});
    for (const auto& run : runs) {
        if (!options.state.empty() && options.state != runs::name(run.state)) continue;
        FAIRY2_ASSIGN(const auto loss, registry.lastValue(run.uuid, "loss"));
        rows.push_back(runRow(run, loss));
        table.add({shortId(run), run.annotations.name, runs::name(run.state), countText(run.step),
                   "/ " + countText(run.maxSteps), numberText(loss), modelText(run), modeText(run),
                   durationText(base::wallTime() - run.created),
                   fmt::format("{}", fmt::join(run.annotations.tags, ", "))});
    }
    outcome.document = {{"runs", rows}};
    outcome.text = rows.empty() ? "no runs yet; fairy2 train starts one\n" : table.text();
    return outcome;
}

base::Json checkpointRows(const RunSummary& run) {
    auto rows = base::Json::array();
    for (const auto& checkpoint : run.checkpoints)
        rows.push_back(
            {{"step", checkpoint.step}, {"path", checkpoint.path.string()}, {"sha256", checkpoint.sha256}});
    return rows;
}

std::string factsOf(const RunSummary& run) {
    Table facts({"", ""});
    facts.add({"run", run.uuid});
    if (!run.annotations.name.empty()) facts.add({"name", run.annotations.name});
    facts.add({"state", runs::name(run.state) + (run.reason.empty() ? std::string() : ": " + run.reason)});
    facts.add({"steps", countText(run.step) + " of " + countText(run.maxSteps)});
    facts.add({"started", base::isoTime(run.created)});
    facts.add({"last news", durationText(base::wallTime() - run.updated) + " ago"});
    facts.add({"folder", run.directory.string()});
    facts.add({"command", run.command});
    if (!run.annotations.tags.empty())
        facts.add({"tags", fmt::format("{}", fmt::join(run.annotations.tags, ", "))});
    if (!run.annotations.notes.empty()) facts.add({"notes", run.annotations.notes});
    if (run.damagedRecords > 0)
        facts.add({"log", fmt::format("{} damaged records were passed over", run.damagedRecords)});
    return facts.text();
}

base::Result<Outcome> show(const Options& options, Registry& registry, const base::Task& /*task*/) {
    FAIRY2_ASSIGN(const auto run, registry.find(options.names.front()));
    FAIRY2_ASSIGN(const auto loss, registry.lastValue(run.uuid, "loss"));
    Outcome outcome;
    outcome.document = runRow(run, loss);
    outcome.document["command"] = run.command;
    outcome.document["config"] = run.config;
    outcome.document["checkpoints"] = checkpointRows(run);
    outcome.text = factsOf(run);

    auto metrics = base::Json::object();
    for (const auto& tag : options.metrics) {
        FAIRY2_ASSIGN(const auto values, registry.metric(run.uuid, tag));
        metrics[tag] = base::Json::array();
        for (const auto& [step, value] : values)
            metrics[tag].push_back({step, numberOrNull(value)});
    }
    outcome.document["metrics"] = metrics;

    FAIRY2_ASSIGN(const auto tags, registry.metricTags(run.uuid));
    Table table({"metric", ">last"});
    for (const auto& tag : tags) {
        FAIRY2_ASSIGN(const auto last, registry.lastValue(run.uuid, tag));
        table.add({tag, last ? fmt::format("{:.6g}", *last) : "–"});
    }
    if (!tags.empty()) outcome.text += "\n" + table.text();
    Table saved({">checkpoint", "folder"});
    for (const auto& checkpoint : run.checkpoints)
        saved.add({countText(checkpoint.step), checkpoint.path.string()});
    if (!run.checkpoints.empty()) outcome.text += "\n" + saved.text();
    return outcome;
}

base::Result<Outcome> watch(const Options& options, Registry& registry, const base::Task& task) {
    FAIRY2_ASSIGN(const auto summary, registry.find(options.names.front()));
    FAIRY2_ASSIGN(const auto run, RunDirectory::open(summary.directory));
    FAIRY2_ASSIGN(const auto end, follow(run, task, false));
    FAIRY2_ASSIGN(const auto losses, run.metric("loss"));
    return Outcome{
        runDocument(end, losses.empty() ? std::nullopt : std::optional<double>(losses.back().second)),
        factsOf(end)};
}

base::Result<Outcome> stop(const Options& options, Registry& registry, const base::Task& /*task*/) {
    auto stopped = base::Json::array();
    std::string text;
    for (const auto& name : options.names) {
        FAIRY2_ASSIGN(const auto summary, registry.find(name));
        FAIRY2_ASSIGN(const auto run, RunDirectory::open(summary.directory));
        FAIRY2_TRY(runs::stop(run));
        stopped.push_back({{"run", summary.uuid}, {"dir", summary.directory.string()}});
        text += fmt::format("{} saves a checkpoint and stops\n", shortId(summary));
    }
    return Outcome{{{"runs", stopped}}, text};
}

base::Result<Outcome> resume(const Options& options, Registry& registry, const base::Task& task) {
    FAIRY2_ASSIGN(const auto summary, registry.find(options.names.front()));
    FAIRY2_ASSIGN(const auto run, RunDirectory::open(summary.directory));
    FAIRY2_TRY(runs::resume(run));
    if (!options.detach) return followToEnd(run, task);
    FAIRY2_ASSIGN(const auto started, run.summary());
    return Outcome{runDocument(started, {}),
                   fmt::format("{} goes on from step {}\n", shortId(started),
                               started.checkpoints.empty() ? 0 : started.checkpoints.back().step)};
}

// Reads, changes and writes the annotations of each run.
template <typename Change>
base::Result<Outcome> annotate(const Options& options, Registry& registry, const Change& change) {
    auto rows = base::Json::array();
    for (const auto& name : options.names) {
        FAIRY2_ASSIGN(const auto summary, registry.find(name));
        FAIRY2_ASSIGN(const auto run, RunDirectory::open(summary.directory));
        FAIRY2_ASSIGN(auto annotations, run.annotations());
        change(annotations);
        FAIRY2_TRY(run.setAnnotations(annotations));
        rows.push_back({{"run", summary.uuid},
                        {"name", annotations.name},
                        {"tags", annotations.tags},
                        {"notes", annotations.notes},
                        {"archived", annotations.archived}});
    }
    return Outcome{{{"runs", rows}}, {}};
}

base::Result<Outcome> tag(const Options& options, Registry& registry, const base::Task& /*task*/) {
    return annotate(options, registry, [&](runs::Annotations& annotations) {
        for (const auto& word : options.words) {
            std::erase(annotations.tags, word);
            if (!options.remove) annotations.tags.push_back(word);
        }
    });
}

base::Result<Outcome> note(const Options& options, Registry& registry, const base::Task& /*task*/) {
    return annotate(options, registry, [&](runs::Annotations& annotations) {
        annotations.notes = fmt::format("{}", fmt::join(options.words, " "));
    });
}

base::Result<Outcome> rename(const Options& options, Registry& registry, const base::Task& /*task*/) {
    return annotate(options, registry, [&](runs::Annotations& annotations) {
        annotations.name = fmt::format("{}", fmt::join(options.words, " "));
    });
}

base::Result<Outcome> archive(const Options& options, Registry& registry, const base::Task& /*task*/) {
    return annotate(options, registry,
                    [&](runs::Annotations& annotations) { annotations.archived = !options.remove; });
}

base::Result<Outcome> rebuild(const Options& /*options*/, Registry& registry, const base::Task& task) {
    FAIRY2_ASSIGN(const auto count, registry.rebuild(task));
    return Outcome{{{"runs", count}},
                   fmt::format("the registry was made anew from {} runs\n", countText(count))};
}

base::Result<Outcome> compare(const Options& options, Registry& registry, const base::Task& /*task*/) {
    std::vector<RunSummary> runs;
    for (const auto& name : options.names) {
        FAIRY2_ASSIGN(auto run, registry.find(name));
        runs.push_back(std::move(run));
    }
    return compareRuns(runs, registry);
}

// Opens the registry, brings it up to date and says so when that was left to another process.
base::Result<Outcome> withRegistry(const Options& options, const base::Task& task, Body body) {
    FAIRY2_ASSIGN(const auto registry, Registry::open());
    FAIRY2_ASSIGN(const bool isCurrent, registry->catchUp({task.cancel, {}}));
    if (!registry->notice().empty()) fmt::print(stderr, "fairy2: {}\n", registry->notice());
    if (!isCurrent) {
        FAIRY2_ASSIGN(const double at, registry->ingestedAt());
        if (const double age = base::wallTime() - at; age > 5)
            fmt::print(stderr, "fairy2: another process keeps the registry; what follows is {} old\n",
                       durationText(age));
    }
    return body(options, *registry, task);
}

struct SubVerb {
    const char* name;
    const char* help;
    const char* example;
    Body body;
    int runs; // 0 none, 1 exactly one, 2 at least two, -1 one or more
};

constexpr SubVerb kVerbs[] = {
    {"list", "all runs, newest first", "fairy2 runs list --state running", list, 0},
    {"show", "one run: state, configuration, checkpoints, metrics",
     "fairy2 runs show 1a2b3c4d --metrics loss,grad_norm --json", show, 1},
    {"watch", "follow a live run", "fairy2 runs watch 1a2b3c4d", watch, 1},
    {"stop", "save a checkpoint and stop", "fairy2 runs stop 1a2b3c4d", stop, -1},
    {"resume", "go on from the latest checkpoint", "fairy2 runs resume 1a2b3c4d", resume, 1},
    {"compare", "differences of configuration and results", "fairy2 runs compare 1a2b3c4d 5e6f7a8b", compare,
     2},
    {"tag", "add tags, or remove them", "fairy2 runs tag 1a2b3c4d baseline w2", tag, 1},
    {"note", "write a note", "fairy2 runs note 1a2b3c4d learning rate too high", note, 1},
    {"rename", "give a name", "fairy2 runs rename 1a2b3c4d W2 with row scales", rename, 1},
    {"archive", "hide from the list, or show again", "fairy2 runs archive 1a2b3c4d", archive, -1},
    {"rebuild", "make the registry anew from the run folders", "fairy2 runs rebuild", rebuild, 0},
};

void addRunArguments(CLI::App& verb, Options& options, int runs) {
    if (runs == 0) return;
    auto* argument =
        verb.add_option("run", options.names, "id, its first digits, name or folder")->required();
    if (runs == 1) argument->expected(1);
    if (runs == 2) argument->expected(2, CLI::detail::expected_max_vector_size);
}

} // namespace

void addRuns(CLI::App& program, Invocation& invocation) {
    auto* verb = program.add_subcommand("runs", "the registry of runs");
    verb->require_subcommand(1);
    for (const auto& each : kVerbs) {
        auto* sub = declareVerb(*verb, invocation, each.name, each.help, each.example);
        auto options = std::make_shared<Options>();
        addRunArguments(*sub, *options, each.runs);
        const std::string name = each.name;
        if (name == "list") {
            sub->add_flag("--all", options->all, "archived ones too");
            sub->add_option("--state", options->state, "only runs in this state");
        }
        if (name == "show")
            sub->add_option("--metrics", options->metrics, "series to give in full")->delimiter(',');
        if (name == "tag" || name == "note" || name == "rename")
            sub->add_option(name == "tag" ? "tags" : "text", options->words)->required();
        if (name == "tag") sub->add_flag("--remove", options->remove, "take the tags away");
        if (name == "archive") sub->add_flag("--undo", options->remove, "show the runs again");
        if (name == "resume")
            sub->add_flag("--detach", options->detach, "return as soon as the run has started");
        sub->callback([&invocation, options, body = each.body] {
            invocation.run = [&invocation, options, body] {
                return withRegistry(*options, invocation.task, body);
            };
        });
    }
}

} // namespace fairy2::cli
