#include "vbmc/store/owed.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/store/row.h"
#include "vbmc/store/sql.h"

struct put {
    struct uuid uuid;
    size_t count;
    struct store_owed owed[];
};

static int insert(sqlite3 *db, const struct put *put, size_t position)
{
    const struct store_owed *owed = &put->owed[position];
    struct sql sql;

    sql_begin_kept(&sql, db,
                   "INSERT INTO owed (uuid, position, action, cause, begun, run, place, at, boot,"
                   " ahead_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_bind_uuid(&sql, &put->uuid);
    sql_bind_int(&sql, (int64_t)position);
    sql_bind_int(&sql, owed->action);
    sql_bind_int(&sql, owed->cause);
    sql_bind_int(&sql, owed->begun);
    sql_bind_int(&sql, owed->run);
    sql_bind_int(&sql, owed->place);
    sql_bind_int(&sql, owed->at);
    sql_bind_clock(&sql, &owed->clock);
    return sql_end(&sql);
}

static int run_put(sqlite3 *db, void *data)
{
    const struct put *put = data;
    struct sql sql;

    sql_begin_kept(&sql, db, "DELETE FROM owed WHERE uuid = ?");
    sql_bind_uuid(&sql, &put->uuid);
    int result = sql_end(&sql);
    for (size_t i = 0; i < put->count && result == 0; i++)
        result = insert(db, put, i);
    return result;
}

int store_owed_put(struct store *store, const struct uuid *uuid, const struct store_owed *owed,
                   size_t count, store_done_fn done, void *context)
{
    struct put *put = malloc(sizeof *put + count * sizeof *owed);

    if (!put)
        return -ENOMEM;
    put->uuid = *uuid;
    put->count = count;
    if (count > 0)
        memcpy(put->owed, owed, count * sizeof *owed);
    return store_submit(store, &(struct store_job){run_put, free, put, done, context});
}

static void read_row(struct sql *sql, void *row)
{
    struct store_owed *owed = row;

    sql_uuid(sql, &owed->uuid);
    owed->action = (uint8_t)sql_int(sql);
    owed->cause = (uint8_t)sql_int(sql);
    owed->begun = sql_int(sql) != 0;
    owed->run = sql_int(sql);
    owed->place = sql_int(sql);
    owed->at = sql_int(sql);
    sql_clock(sql, &owed->clock);
}

int store_owed_load_all(struct store *store, struct store_owed **owed, size_t *count)
{
    return row_load_all(store,
                        "SELECT uuid, action, cause, begun, run, place, at, boot, ahead_ms"
                        " FROM owed ORDER BY uuid, position",
                        &(struct row_type){sizeof **owed, read_row, NULL}, (void **)owed, count);
}
