#include "vbmc/store/sql.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/stored_time.h"
#include "vbmc/base/uuid.h"

static const struct {
    int code;
    int error;
} errors[] = {
    {SQLITE_FULL, -ENOSPC},       {SQLITE_READONLY, -EROFS},  {SQLITE_BUSY, -EBUSY},
    {SQLITE_LOCKED, -EBUSY},      {SQLITE_CORRUPT, -EUCLEAN}, {SQLITE_NOTADB, -EUCLEAN},
    {SQLITE_CONSTRAINT, -EINVAL}, {SQLITE_NOMEM, -ENOMEM},    {SQLITE_PERM, -EACCES},
    {SQLITE_CANTOPEN, -EACCES},   {SQLITE_TOOBIG, -E2BIG},
};

/* SQLite's own number is that of its last system call, which may have been another one since. */
static int last_errno(sqlite3 *db)
{
    sqlite3_file *log = NULL;
    int number = 0;

    if (sqlite3_file_control(db, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log) != SQLITE_OK || !log ||
        !log->pMethods ||
        log->pMethods->xFileControl(log, SQLITE_FCNTL_LAST_ERRNO, &number) != SQLITE_OK)
        return 0;
    return number;
}

static int error_of_system(sqlite3 *db)
{
    const int numbers[] = {db ? sqlite3_system_errno(db) : 0, db ? last_errno(db) : 0};

    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        if (numbers[i] == ENOSPC || numbers[i] == EDQUOT)
            return -ENOSPC;
        if (numbers[i] == EROFS)
            return -EROFS;
    }
    return -EIO;
}

int sql_errno(sqlite3 *db, int code)
{
    if (code == SQLITE_OK || code == SQLITE_ROW || code == SQLITE_DONE)
        return 0;
    /* SQLite calls some writes to a full disk or quota an I/O error, and all those to a file system
     * that has become read-only. */
    if ((code & 0xff) == SQLITE_IOERR)
        return error_of_system(db);
    for (size_t i = 0; i < ARRAY_SIZE(errors); i++) {
        if (errors[i].code == (code & 0xff))
            return errors[i].error;
    }
    return -EIO;
}

int sql_run(sqlite3 *db, const char *text)
{
    return sql_errno(db, sqlite3_exec(db, text, NULL, NULL, NULL));
}

static void note(struct sql *sql, int code)
{
    if (sql->result == 0)
        sql->result = sql_errno(sql->db, code);
}

void sql_begin(struct sql *sql, sqlite3 *db, const char *text)
{
    *sql = (struct sql){.db = db};
    note(sql, sqlite3_prepare_v2(db, text, -1, &sql->statement, NULL));
}

/* There are a few dozen. One that runs already, further up, is left alone. */
static sqlite3_stmt *find_kept(sqlite3 *db, const char *text)
{
    sqlite3_stmt *statement = NULL;

    while ((statement = sqlite3_next_stmt(db, statement))) {
        if (!sqlite3_stmt_busy(statement) && strcmp(sqlite3_sql(statement), text) == 0)
            return statement;
    }
    return NULL;
}

void sql_begin_kept(struct sql *sql, sqlite3 *db, const char *text)
{
    *sql = (struct sql){.db = db, .is_kept = true, .statement = find_kept(db, text)};
    if (!sql->statement)
        note(sql,
             sqlite3_prepare_v3(db, text, -1, SQLITE_PREPARE_PERSISTENT, &sql->statement, NULL));
}

void sql_bind_int(struct sql *sql, int64_t value)
{
    if (sql->result == 0)
        note(sql, sqlite3_bind_int64(sql->statement, ++sql->position, value));
}

void sql_bind_text(struct sql *sql, const char *text)
{
    if (sql->result == 0)
        note(sql, sqlite3_bind_text(sql->statement, ++sql->position, text, -1, SQLITE_STATIC));
}

void sql_bind_blob(struct sql *sql, const void *bytes, size_t size)
{
    if (sql->result == 0)
        note(sql, sqlite3_bind_blob64(sql->statement, ++sql->position, bytes, size, SQLITE_STATIC));
}

void sql_bind_uuid(struct sql *sql, const struct uuid *uuid)
{
    sql_bind_blob(sql, uuid->bytes, sizeof uuid->bytes);
}

void sql_bind_clock(struct sql *sql, const struct stored_clock *clock)
{
    sql_bind_text(sql, clock->boot);
    sql_bind_int(sql, clock->ahead_ms);
}

bool sql_next_row(struct sql *sql)
{
    if (sql->result < 0)
        return false;
    sql->position = 0;
    int code = sqlite3_step(sql->statement);
    if (code == SQLITE_ROW)
        return true;
    note(sql, code);
    return false;
}

int64_t sql_int(struct sql *sql)
{
    return sqlite3_column_int64(sql->statement, sql->position++);
}

char *sql_text(struct sql *sql)
{
    int column = sql->position++;

    if (sqlite3_column_type(sql->statement, column) == SQLITE_NULL)
        return NULL;
    const char *text = (const char *)sqlite3_column_text(sql->statement, column);
    char *copy = text ? strdup(text) : NULL;
    if (!copy)
        note(sql, SQLITE_NOMEM);
    return copy;
}

void sql_blob(struct sql *sql, void *bytes, size_t size)
{
    int column = sql->position++;
    const void *found = sqlite3_column_blob(sql->statement, column);

    if ((size_t)sqlite3_column_bytes(sql->statement, column) == size && found)
        memcpy(bytes, found, size);
    else
        note(sql, SQLITE_CORRUPT);
}

void sql_uuid(struct sql *sql, struct uuid *uuid)
{
    sql_blob(sql, uuid->bytes, sizeof uuid->bytes);
}

void sql_clock(struct sql *sql, struct stored_clock *clock)
{
    const unsigned char *boot = sqlite3_column_text(sql->statement, sql->position++);

    *clock = (struct stored_clock){.ahead_ms = sql_int(sql)};
    snprintf(clock->boot, sizeof clock->boot, "%s", boot ? (const char *)boot : "");
}

int sql_end(struct sql *sql)
{
    while (sql_next_row(sql))
        ;
    if (sql->is_kept && sql->statement) {
        sqlite3_reset(sql->statement);
        sqlite3_clear_bindings(sql->statement); /* they point to what may be gone */
    } else {
        sqlite3_finalize(sql->statement);
    }
    sql->statement = NULL;
    return sql->result;
}

void sql_close(sqlite3 *db)
{
    sqlite3_stmt *statement;

    while (db && (statement = sqlite3_next_stmt(db, NULL)))
        sqlite3_finalize(statement);
    sqlite3_close(db);
}
