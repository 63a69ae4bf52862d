// SPDX-License-Identifier: Apache-2.0
#include "models/configtreemodel.h"

#include "models/configtext.h"
#include "models/roles.h"
#include "shell/theme.h"

#include <QFont>
#include <QStringList>
#include <algorithm>
#include <utility>

namespace fairy2::itemmodels {

struct ConfigTreeModel::Node {
    QString name;
    QString key; ///< dotted
    base::Json value;
    QString source;
    const config::KeyInfo* info = nullptr;
    Node* parent = nullptr;
    std::vector<std::unique_ptr<Node>> children;

    [[nodiscard]] int row() const {
        const auto& siblings = parent->children;
        return static_cast<int>(std::find_if(siblings.begin(), siblings.end(),
                                             [this](const auto& child) { return child.get() == this; }) -
                                siblings.begin());
    }
    [[nodiscard]] bool leaf() const { return children.empty(); }
    Node& child(const QString& wanted) {
        const auto found = std::find_if(children.begin(), children.end(),
                                        [&](const auto& node) { return node->name == wanted; });
        if (found != children.end()) return **found;
        children.push_back(std::make_unique<Node>());
        children.back()->name = wanted;
        children.back()->key = key.isEmpty() ? wanted : key + u'.' + wanted;
        children.back()->parent = this;
        return *children.back();
    }
};

namespace {

const config::KeyInfo* schemaOf(const std::string& key) {
    const auto& all = config::schema();
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const config::KeyInfo& info) { return info.key == key; });
    return found == all.end() ? nullptr : &*found;
}

// What people change most stands first; a map keeps the rest in the order of the alphabet.
int groupRank(const std::string& key) {
    static const std::vector<std::string> first = {"training.", "model.", "data.", "run.", "distributed."};
    for (std::size_t i = 0; i < first.size(); ++i)
        if (key.starts_with(first[i])) return static_cast<int>(i);
    return static_cast<int>(first.size());
}

bool isOverride(const QString& source) {
    return source.startsWith(QLatin1String("override"));
}

} // namespace

ConfigTreeModel::ConfigTreeModel(QObject* parent)
    : QAbstractItemModel(parent), m_root(std::make_unique<Node>()) {}

ConfigTreeModel::~ConfigTreeModel() = default;

void ConfigTreeModel::setComposition(const config::Composition& composition) {
    const auto leaves = flattenConfig(composition.tree);
    const auto sourceOf = [&](const std::string& key) {
        const auto found = composition.sources.find(key);
        return found == composition.sources.end() ? QString() : QString::fromStdString(found->second);
    };
    const bool sameKeys = leaves.size() == m_leaves.size() &&
                          std::equal(leaves.begin(), leaves.end(), m_leaves.begin(),
                                     [](const auto& a, const auto& b) { return a.first == b.first; });
    if (sameKeys) {
        for (auto& [key, leaf] : m_leaves) {
            const auto& value = leaves.at(key);
            const QString source = sourceOf(key);
            if (leaf->value == value && leaf->source == source) continue;
            leaf->value = value;
            leaf->source = source;
            emit dataChanged(indexOf(leaf, Value), indexOf(leaf, Source));
        }
        return;
    }
    beginResetModel();
    m_root = std::make_unique<Node>();
    m_leaves.clear();
    std::vector<std::pair<std::string, base::Json>> ordered(leaves.begin(), leaves.end());
    std::stable_sort(ordered.begin(), ordered.end(),
                     [](const auto& a, const auto& b) { return groupRank(a.first) < groupRank(b.first); });
    for (const auto& [key, value] : ordered) {
        Node* at = m_root.get();
        for (const auto& part : QString::fromStdString(key).split(u'.'))
            at = &at->child(part);
        at->value = value;
        at->source = sourceOf(key);
        at->info = schemaOf(key);
        m_leaves.emplace(key, at);
    }
    endResetModel();
}

void ConfigTreeModel::setProblem(const QString& key, const QString& sentence) {
    const QString before = std::exchange(m_problemKey, key);
    m_problem = sentence;
    emitRowChanged(before);
    emitRowChanged(key);
}

void ConfigTreeModel::emitRowChanged(const QString& key) {
    const QModelIndex row = indexOf(key);
    if (row.isValid()) emit dataChanged(row.siblingAtColumn(Key), row.siblingAtColumn(Help));
}

QModelIndex ConfigTreeModel::indexOf(const QString& key) const {
    const auto found = m_leaves.find(key.toStdString());
    return found == m_leaves.end() ? QModelIndex() : indexOf(found->second, Value);
}

bool ConfigTreeModel::isLeaf(const QModelIndex& index) const {
    return index.isValid() && node(index)->leaf();
}

ConfigTreeModel::Node* ConfigTreeModel::node(const QModelIndex& index) const {
    return index.isValid() ? static_cast<Node*>(index.internalPointer()) : m_root.get();
}

QModelIndex ConfigTreeModel::indexOf(Node* node, int column) const {
    return node == m_root.get() ? QModelIndex() : createIndex(node->row(), column, node);
}

QModelIndex ConfigTreeModel::index(int row, int column, const QModelIndex& parent) const {
    if (!hasIndex(row, column, parent)) return {};
    return createIndex(row, column, node(parent)->children[static_cast<std::size_t>(row)].get());
}

QModelIndex ConfigTreeModel::parent(const QModelIndex& child) const {
    return child.isValid() ? indexOf(node(child)->parent, 0) : QModelIndex();
}

int ConfigTreeModel::rowCount(const QModelIndex& parent) const {
    return parent.column() > 0 ? 0 : static_cast<int>(node(parent)->children.size());
}

int ConfigTreeModel::columnCount(const QModelIndex&) const {
    return ColumnCount;
}

QString ConfigTreeModel::toolTip(const Node& node) const {
    if (!node.leaf()) return {};
    QStringList lines{node.key};
    if (node.info != nullptr) {
        lines << QString::fromStdString(node.info->help);
        lines << tr("default: %1").arg(configText(node.info->defaultValue));
    }
    lines << tr("from: %1").arg(node.source);
    return lines.join(u'\n');
}

QVariant ConfigTreeModel::data(const QModelIndex& index, int role) const {
    if (!checkIndex(index, CheckIndexOption::IndexIsValid)) return {};
    const Node& at = *node(index);
    switch (role) {
    case Qt::DisplayRole:
        if (index.column() == Key) return at.name;
        if (!at.leaf()) return {};
        if (index.column() == Value) {
            const QString unit = at.info == nullptr ? QString() : QString::fromStdString(at.info->unit);
            const QString text = configText(at.value);
            return unit.isEmpty() || !at.value.is_number() ? text : text + u' ' + unit;
        }
        if (index.column() == Source) return QString(at.source).remove(QLatin1String("configs/"));
        if (at.key == m_problemKey) return m_problem;
        return at.info == nullptr ? QString() : QString::fromStdString(at.info->help);
    case Qt::EditRole:
        return index.column() == Value && at.leaf() ? configText(at.value) : QVariant();
    case Qt::ToolTipRole:
        return toolTip(at);
    case Qt::ForegroundRole: {
        const auto& colors = shell::Theme::instance().colors();
        if (at.leaf() && at.key == m_problemKey && index.column() != Key) return colors.bad;
        return index.column() >= Source ? QVariant(colors.secondary) : QVariant();
    }
    case OverriddenRole:
        return at.leaf() && isOverride(at.source);
    case Qt::FontRole: {
        if (index.column() != Value || !isOverride(at.source)) return {};
        QFont font;
        font.setBold(true);
        return font;
    }
    case IdRole:
        return at.key;
    case RawRole:
        return configText(at.value);
    case ChoicesRole: {
        if (at.info == nullptr) return {};
        if (at.info->type == "bool") return QStringList{QStringLiteral("true"), QStringLiteral("false")};
        QStringList choices;
        for (const auto& choice : at.info->choices)
            choices << QString::fromStdString(choice);
        return choices.isEmpty() ? QVariant() : choices;
    }
    default:
        return {};
    }
}

QVariant ConfigTreeModel::headerData(int section, Qt::Orientation orientation, int role) const {
    if (orientation != Qt::Horizontal || role != Qt::DisplayRole) return {};
    switch (section) {
    case Key:
        return tr("key");
    case Value:
        return tr("value");
    case Source:
        return tr("from");
    case Help:
        return tr("help");
    default:
        return {};
    }
}

Qt::ItemFlags ConfigTreeModel::flags(const QModelIndex& index) const {
    auto flags = QAbstractItemModel::flags(index);
    if (index.column() == Value && isLeaf(index)) flags |= Qt::ItemIsEditable;
    return flags;
}

bool ConfigTreeModel::setData(const QModelIndex& index, const QVariant& value, int role) {
    if (role != Qt::EditRole || index.column() != Value || !isLeaf(index)) return false;
    const QString text = value.toString().trimmed();
    if (text == configText(node(index)->value)) return false;
    emit overrideRequested(node(index)->key, text);
    return true;
}

} // namespace fairy2::itemmodels
