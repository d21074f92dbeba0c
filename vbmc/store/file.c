#include "vbmc/store/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/store/lock.h"
#include "vbmc/store/schema.h"
#include "vbmc/store/sql.h"

#define BUSY_TIMEOUT_MS 5000
/* The write-ahead log: from this many pages on it is copied to the database and begun again, and
 * what it holds of the disk beyond that is given back. Small, since a disk that it fills can only
 * be emptied by what makes the database itself larger. */
#define WAL_PAGES "64"
#define WAL_BYTES "262144"

struct opening {
    struct store_file *file;
    const char *state_dir;
    char *path; /* of the database */
    char *error;
    size_t error_size;
};

static int fail(const struct opening *opening, int result, const char *path, const char *why)
{
    snprintf(opening->error, opening->error_size, "%s: %s", path, why);
    return result;
}

static int fail_errno(const struct opening *opening, const char *path)
{
    int result = -errno;

    return fail(opening, result, path, strerror(-result));
}

static int fail_sql(const struct opening *opening, sqlite3 *db, int result)
{
    if (result == -EUCLEAN)
        return fail(
            opening, result, opening->path,
            "the database is damaged and was left as it is; move it away to start again, or "
            "put a copy of an earlier one in its place");
    /* SQLite's own text for a full disk may be "disk I/O error". */
    bool has_text = db && sqlite3_errcode(db) != SQLITE_OK && result != -ENOSPC;
    return fail(opening, result, opening->path, has_text ? sqlite3_errmsg(db) : strerror(-result));
}

/* Makes the file before SQLite does, which would leave its mode to the umask; the -wal and -shm
 * files take over the mode of this one. */
static int prepare_database(const struct opening *opening)
{
    struct stat status;
    CLEANUP_CLOSE int fd = openat(opening->file->dir, STORE_DATABASE,
                                  O_RDWR | O_CREAT | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);

    if (fd < 0 || fstat(fd, &status) < 0)
        return fail_errno(opening, opening->path);
    if (!S_ISREG(status.st_mode))
        return fail(opening, -EINVAL, opening->path, "not a regular file");
    if ((status.st_mode & 07777) != 0600 && fchmod(fd, 0600) < 0)
        return fail_errno(opening, opening->path);
    if (fsync(opening->file->dir) < 0)
        return fail_errno(opening, opening->state_dir);
    return 0;
}

/* quick_check answers one row "ok", or what is wrong. */
static int check_integrity(sqlite3 *db)
{
    struct sql sql;

    sql_begin(&sql, db, "PRAGMA quick_check(1)");
    CLEANUP_FREE char *answer = sql_next_row(&sql) ? sql_text(&sql) : NULL;
    int result = sql_end(&sql);
    return result < 0 ? result : answer && strcmp(answer, "ok") == 0 ? 0 : -EUCLEAN;
}

static int connect_database(const struct opening *opening, sqlite3 **db)
{
    int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int result = sql_errno(NULL, sqlite3_open_v2(opening->path, db, flags, NULL));

    if (result < 0)
        return fail_sql(opening, *db, result);
    sqlite3_extended_result_codes(*db, 1);
    sqlite3_busy_timeout(*db, BUSY_TIMEOUT_MS);
    return 0;
}

static int set_up_writer(const struct opening *opening)
{
    sqlite3 *db = opening->file->writer;
    char why[128];
    int version = schema_read_version(db);

    if (version < 0)
        return fail_sql(opening, db, version);
    if (version > schema_version()) {
        snprintf(why, sizeof why,
                 "written by a newer vbmcd (version %d, this one knows up to %d); use that one",
                 version, schema_version());
        return fail(opening, -EPROTO, opening->path, why);
    }
    int result = check_integrity(db);
    if (result == 0)
        result = sql_run(db, "PRAGMA journal_mode = WAL;"
                             "PRAGMA synchronous = FULL;"
                             "PRAGMA wal_autocheckpoint = " WAL_PAGES ";"
                             "PRAGMA journal_size_limit = " WAL_BYTES ";"
                             "PRAGMA foreign_keys = ON;"
                             "PRAGMA secure_delete = ON;");
    if (result == 0)
        result = schema_migrate(db);
    if (result < 0)
        return fail_sql(opening, db, result);
    store_file_checkpoint(opening->file); /* of the last run; on a full disk it stays as it is */
    return 0;
}

static int open_all(const struct opening *opening)
{
    int result = prepare_database(opening);

    if (result == 0)
        result = connect_database(opening, &opening->file->writer);
    if (result == 0)
        result = set_up_writer(opening);
    if (result == 0)
        result = connect_database(opening, &opening->file->reader);
    if (result == 0) {
        result = sql_run(opening->file->reader, "PRAGMA query_only = ON");
        if (result < 0)
            fail_sql(opening, opening->file->reader, result);
    }
    return result;
}

int store_file_open(struct store_file *file, const char *state_dir, int lock, char *error,
                    size_t error_size)
{
    CLEANUP_FREE char *path = NULL;

    *file = (struct store_file){.dir = lock};
    if (lock < 0) {
        int result = store_lock_take(state_dir, STORE_LOCK_MAKE, &file->dir, error, error_size);
        if (result < 0)
            return result;
    }
    if (asprintf(&path, "%s/" STORE_DATABASE, state_dir) < 0) {
        path = NULL;
        snprintf(error, error_size, "%s: %s", state_dir, strerror(ENOMEM));
        store_file_close(file);
        return -ENOMEM;
    }
    struct opening opening = {file, state_dir, path, error, error_size};
    int result = open_all(&opening);
    if (result < 0)
        store_file_close(file);
    return result;
}

int store_file_checkpoint(struct store_file *file)
{
    return sql_errno(file->writer, sqlite3_wal_checkpoint_v2(
                                       file->writer, NULL, SQLITE_CHECKPOINT_TRUNCATE, NULL, NULL));
}

void store_file_close(struct store_file *file)
{
    sql_close(file->reader);
    sql_close(file->writer);
    if (file->dir >= 0)
        close(file->dir);
    *file = (struct store_file){.dir = -1};
}
