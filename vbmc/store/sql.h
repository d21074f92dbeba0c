/* One SQL statement with a sticky error: bind or read every column in order, check once at the end.
 * Columns and parameters are counted from left to right by themselves. */
#ifndef VBMC_STORE_SQL_H
#define VBMC_STORE_SQL_H

#include <sqlite3.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct stored_clock;
struct uuid;

struct sql {
    sqlite3 *db;
    sqlite3_stmt *statement;
    bool is_kept;
    int position; /* of the next parameter or column */
    int result;   /* 0, or the first negative error */
};

/* The negative errno for a result code of SQLite on this connection: a full disk is -ENOSPC, a
 * read-only file -EROFS, somebody else's lock -EBUSY, damage -EUCLEAN, a violated constraint
 * -EINVAL. */
int sql_errno(sqlite3 *db, int code);

/* Runs statements that have no parameters and no rows. 0 or a negative error. */
int sql_run(sqlite3 *db, const char *text);

void sql_begin(struct sql *sql, sqlite3 *db, const char *text);
/* The same for what is run for each BMC or event: to prepare it takes longer than to run it, so it
 * stays prepared until sql_close. */
void sql_begin_kept(struct sql *sql, sqlite3 *db, const char *text);
void sql_bind_int(struct sql *sql, int64_t value);
void sql_bind_text(struct sql *sql, const char *text); /* NULL allowed; has to live until the end */
void sql_bind_blob(struct sql *sql, const void *bytes, size_t size);    /* the same */
void sql_bind_uuid(struct sql *sql, const struct uuid *uuid);           /* the same */
void sql_bind_clock(struct sql *sql, const struct stored_clock *clock); /* the same; takes two */

/* Goes to the first or next row. False at the end and after an error. */
bool sql_next_row(struct sql *sql);
int64_t sql_int(struct sql *sql);
char *sql_text(struct sql *sql); /* a copy to be freed, or NULL */
/* Copies exactly `size` bytes; any other size in the table is an error. */
void sql_blob(struct sql *sql, void *bytes, size_t size);
void sql_uuid(struct sql *sql, struct uuid *uuid);
void sql_clock(struct sql *sql, struct stored_clock *clock); /* of two columns */

/* Runs the rest of the statement and releases it. 0 or the first negative error. */
int sql_end(struct sql *sql);

/* Closes the connection, with what is kept of it. NULL is allowed. */
void sql_close(sqlite3 *db);

#endif
