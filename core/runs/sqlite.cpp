// SPDX-License-Identifier: Apache-2.0
#include "runs/sqlite.h"

#include <cmath>
#include <limits>
#include <sqlite3.h>

namespace fairy2::runs {
namespace {

constexpr int kBusyMilliseconds = 5000;

SqlError errorOf(sqlite3* handle) {
    return {sqlite3_extended_errcode(handle), sqlite3_errmsg(handle)};
}

} // namespace

bool SqlError::isDamage() const noexcept {
    const int primary = code & 0xff;
    return primary == SQLITE_CORRUPT || primary == SQLITE_NOTADB || primary == SQLITE_FORMAT;
}

bool SqlError::isBusy() const noexcept {
    const int primary = code & 0xff;
    return primary == SQLITE_BUSY || primary == SQLITE_LOCKED;
}

Statement::Statement(sqlite3* database, std::string_view sql) {
    if (sqlite3_prepare_v2(database, sql.data(), static_cast<int>(sql.size()), &m_statement, nullptr) !=
        SQLITE_OK)
        throw errorOf(database);
}

Statement::Statement(Statement&& other) noexcept : m_statement(std::exchange(other.m_statement, nullptr)) {}

Statement::~Statement() {
    sqlite3_finalize(m_statement);
}

void Statement::fail() const {
    throw errorOf(sqlite3_db_handle(m_statement));
}

Statement& Statement::bind(int index, std::int64_t value) {
    if (sqlite3_bind_int64(m_statement, index + 1, value) != SQLITE_OK) fail();
    return *this;
}

Statement& Statement::bind(int index, double value) {
    if (sqlite3_bind_double(m_statement, index + 1, value) != SQLITE_OK) fail();
    return *this;
}

Statement& Statement::bind(int index, std::string_view value) {
    if (sqlite3_bind_text(m_statement, index + 1, value.data(), static_cast<int>(value.size()),
                          SQLITE_TRANSIENT) != SQLITE_OK)
        fail();
    return *this;
}

bool Statement::step() {
    const int code = sqlite3_step(m_statement);
    if (code == SQLITE_ROW) return true;
    if (code != SQLITE_DONE) {
        const auto error = errorOf(sqlite3_db_handle(m_statement));
        sqlite3_reset(m_statement);
        throw error;
    }
    return false;
}

void Statement::run() {
    step();
    reset();
}

void Statement::reset() {
    sqlite3_reset(m_statement);
}

std::int64_t Statement::integer(int column) const {
    return sqlite3_column_int64(m_statement, column);
}

double Statement::real(int column) const {
    if (sqlite3_column_type(m_statement, column) == SQLITE_NULL)
        return std::numeric_limits<double>::quiet_NaN();
    return sqlite3_column_double(m_statement, column);
}

std::string Statement::text(int column) const {
    const auto* bytes = sqlite3_column_blob(m_statement, column);
    return bytes == nullptr
               ? std::string()
               : std::string(static_cast<const char*>(bytes),
                             static_cast<std::size_t>(sqlite3_column_bytes(m_statement, column)));
}

Database::Database(const base::Path& file, Mode mode) {
    const int flags =
        (mode == Mode::ReadOnly ? SQLITE_OPEN_READONLY : SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE) |
        SQLITE_OPEN_NOMUTEX;
    if (sqlite3_open_v2(file.c_str(), &m_handle, flags, nullptr) != SQLITE_OK) {
        const auto error = errorOf(m_handle);
        sqlite3_close(m_handle);
        throw error;
    }
    try {
        sqlite3_busy_timeout(m_handle, kBusyMilliseconds);
        sqlite3_db_config(m_handle, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
        execute("PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA foreign_keys=ON");
        if (mode == Mode::ReadWrite) execute("PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL");
    } catch (const SqlError&) {
        sqlite3_close(m_handle);
        throw;
    }
}

Database::~Database() {
    sqlite3_close(m_handle);
}

void Database::execute(const std::string& sql) const {
    if (sqlite3_exec(m_handle, sql.c_str(), nullptr, nullptr, nullptr) != SQLITE_OK) throw errorOf(m_handle);
}

std::int64_t Database::integer(std::string_view sql) const {
    auto statement = prepare(sql);
    return statement.step() ? statement.integer(0) : 0;
}

std::int64_t Database::lastId() const {
    return sqlite3_last_insert_rowid(m_handle);
}

int Database::changes() const {
    return sqlite3_changes(m_handle);
}

Transaction::Transaction(const Database& database) : m_database(database) {
    database.execute("BEGIN IMMEDIATE");
}

Transaction::~Transaction() {
    if (!m_open) return;
    try {
        m_database.execute("ROLLBACK");
    } catch (const SqlError&) {
        // SQLite has rolled back by itself already.
        return;
    }
}

void Transaction::commit() {
    m_database.execute("COMMIT");
    m_open = false;
}

} // namespace fairy2::runs
