#include "tests/fake/refusing_store.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static char folder[64];

const char *refusing_store_folder(void)
{
    snprintf(folder, sizeof folder, "/tmp/vbmc-test-store-XXXXXX");
    const char *made = mkdtemp(folder);
    assert(made);
    return made;
}

struct store *refusing_store_open(uv_loop_t *loop)
{
    struct store *store = NULL;
    char error[512];
    int result = store_open(loop, refusing_store_folder(), &store, error, sizeof error);

    assert(result == 0);
    return store;
}

static sqlite3 *open_database(void)
{
    char path[128];
    sqlite3 *db;

    snprintf(path, sizeof path, "%s/state.db", folder);
    int result = sqlite3_open_v2(path, &db, SQLITE_OPEN_READWRITE, NULL);
    assert(result == SQLITE_OK);
    sqlite3_busy_timeout(db, 5000);
    return db;
}

void refusing_store_run(const char *statement)
{
    sqlite3 *db = open_database();
    int result = sqlite3_exec(db, statement, NULL, NULL, NULL);

    assert(result == SQLITE_OK);
    sqlite3_close(db);
}

int refusing_store_count(const char *rest)
{
    char *text = sqlite3_mprintf("SELECT count(*) FROM %s", rest);
    sqlite3 *db = open_database();
    sqlite3_stmt *statement = NULL;
    int result = sqlite3_prepare_v2(db, text, -1, &statement, NULL);

    assert(result == SQLITE_OK);
    result = sqlite3_step(statement);
    assert(result == SQLITE_ROW);
    int count = sqlite3_column_int(statement, 0);
    sqlite3_finalize(statement);
    sqlite3_close(db);
    sqlite3_free(text);
    return count;
}

void refusing_store_refuse(const char *part)
{
    char *statement = sqlite3_mprintf("CREATE TRIGGER refuse BEFORE INSERT ON documents "
                                      "WHEN instr(NEW.text, %Q) > 0 "
                                      "BEGIN SELECT RAISE(ABORT, 'as the test says'); END",
                                      part);

    assert(statement);
    refusing_store_run(statement);
    sqlite3_free(statement);
}

void refusing_store_refuse_table(const char *table)
{
    char *statement = sqlite3_mprintf("CREATE TRIGGER refuse BEFORE INSERT ON %s "
                                      "BEGIN SELECT RAISE(ABORT, 'as the test says'); END",
                                      table);

    assert(statement);
    refusing_store_run(statement);
    sqlite3_free(statement);
}

void refusing_store_accept(void)
{
    refusing_store_run("DROP TRIGGER refuse");
}

void refusing_store_remove(void)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf %s", folder);
    if (system(command) != 0)
        abort();
}
