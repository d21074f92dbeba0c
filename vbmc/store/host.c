#include "vbmc/store/host.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/store/sql.h"

static int run_put(sqlite3 *db, void *data)
{
    struct sql sql;

    sql_begin(&sql, db, "INSERT OR REPLACE INTO host (id, boot_id) VALUES (1, ?)");
    sql_bind_text(&sql, data);
    return sql_end(&sql);
}

int store_host_load_boot_id(struct store *store, char boot_id[STORE_BOOT_ID_SIZE])
{
    struct sql sql;
    char *text = NULL;

    boot_id[0] = '\0';
    sql_begin(&sql, store_reader(store), "SELECT boot_id FROM host");
    if (sql_next_row(&sql))
        text = sql_text(&sql);
    if (text)
        snprintf(boot_id, STORE_BOOT_ID_SIZE, "%s", text);
    free(text);
    return sql_end(&sql);
}

int store_host_put_boot_id(struct store *store, const char *boot_id, store_done_fn done,
                           void *context)
{
    char *copy = strdup(boot_id);

    if (!copy)
        return -ENOMEM;
    return store_submit(store, &(struct store_job){run_put, free, copy, done, context});
}
