// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/files.h"

#include <memory>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace fairy2::runs {

/// What SQLite answered; thrown inside the registry only, never out of it.
struct SqlError {
    int code = 0; ///< extended result code
    std::string message;
    [[nodiscard]] bool isDamage() const noexcept; ///< the file is corrupt or no database
    [[nodiscard]] bool isBusy() const noexcept;
};

/// A prepared statement. Parameters and columns count from 0. NaN is stored as NULL and read back as NaN.
class Statement {
public:
    Statement(sqlite3* database, std::string_view sql);
    ~Statement();
    Statement(Statement&& other) noexcept;
    Statement& operator=(Statement&&) = delete;

    Statement& bind(int index, std::int64_t value);
    Statement& bind(int index, double value);
    Statement& bind(int index, std::string_view value);
    /// True while there is a row.
    bool step();
    /// Runs a statement without rows and makes it ready for the next.
    void run();
    void reset();

    [[nodiscard]] std::int64_t integer(int column) const;
    [[nodiscard]] double real(int column) const;
    [[nodiscard]] std::string text(int column) const;

private:
    [[noreturn]] void fail() const;
    sqlite3_stmt* m_statement = nullptr;
};

/// One connection with the settings every use here needs: foreign keys, WAL, nothing trusted from the file.
class Database {
public:
    enum class Mode { ReadWrite, ReadOnly };
    Database(const base::Path& file, Mode mode);
    ~Database();
    Database(const Database&) = delete;
    Database& operator=(const Database&) = delete;

    [[nodiscard]] Statement prepare(std::string_view sql) const { return Statement(m_handle, sql); }
    void execute(const std::string& sql) const;
    [[nodiscard]] std::int64_t integer(std::string_view sql) const;
    [[nodiscard]] std::int64_t lastId() const;
    [[nodiscard]] int changes() const;

private:
    sqlite3* m_handle = nullptr;
};

/// BEGIN IMMEDIATE until commit(); rolls back otherwise.
class Transaction {
public:
    explicit Transaction(const Database& database);
    ~Transaction();
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;
    void commit();

private:
    const Database& m_database;
    bool m_open = true;
};

} // namespace fairy2::runs
