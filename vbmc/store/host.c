#include "vbmc/store/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/uuid.h"
#include "vbmc/store/chassis.h"
#include "vbmc/store/sql.h"

struct put {
    struct store_boot_of_host boot;
    bool restores;
    size_t count;
    struct uuid settled[];
};

/* What waited before still does: it has the state of the guest before that boot. */
static int mark_all(sqlite3 *db)
{
    struct sql sql;

    sql_begin(&sql, db,
              "UPDATE chassis SET restore = CASE WHEN was_on THEN ? ELSE ? END WHERE restore = ?");
    sql_bind_int(&sql, STORE_RESTORE_WAS_ON);
    sql_bind_int(&sql, STORE_RESTORE_WAS_OFF);
    sql_bind_int(&sql, STORE_RESTORE_NONE);
    return sql_end(&sql);
}

static int clear_mark(sqlite3 *db, const struct uuid *uuid)
{
    struct sql sql;

    sql_begin(&sql, db, "UPDATE chassis SET restore = ? WHERE uuid = ?");
    sql_bind_int(&sql, STORE_RESTORE_NONE);
    sql_bind_uuid(&sql, uuid);
    return sql_end(&sql);
}

static int run_put(sqlite3 *db, void *data)
{
    const struct put *put = data;
    int result = put->restores ? mark_all(db) : 0;
    struct sql sql;

    for (size_t i = 0; i < put->count && result == 0; i++)
        result = clear_mark(db, &put->settled[i]);
    if (result < 0)
        return result;
    sql_begin(&sql, db, "INSERT OR REPLACE INTO host (id, boot_id, machine) VALUES (1, ?, ?)");
    sql_bind_text(&sql, put->boot.boot_id);
    sql_bind_text(&sql, put->boot.machine);
    return sql_end(&sql);
}

static void take_text(struct sql *sql, char text[STORE_BOOT_ID_SIZE])
{
    char *found = sql_text(sql);

    snprintf(text, STORE_BOOT_ID_SIZE, "%s", found ? found : "");
    free(found);
}

int store_host_load_boot(struct store *store, struct store_boot_of_host *boot)
{
    struct sql sql;

    *boot = (struct store_boot_of_host){0};
    sql_begin(&sql, store_reader(store), "SELECT boot_id, machine FROM host");
    if (sql_next_row(&sql)) {
        take_text(&sql, boot->boot_id);
        take_text(&sql, boot->machine);
    }
    return sql_end(&sql);
}

int store_host_put_boot(struct store *store, const struct store_boot_of_host *boot, bool restores,
                        const struct uuid *settled, size_t count, store_done_fn done, void *context)
{
    struct put *put = malloc(sizeof *put + count * sizeof *settled);

    if (!put)
        return -ENOMEM;
    put->boot = *boot;
    put->restores = restores;
    put->count = count;
    if (count > 0)
        memcpy(put->settled, settled, count * sizeof *settled);
    return store_submit(store, &(struct store_job){run_put, free, put, done, context});
}
