#include "vbmc/store/chassis.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/store/row.h"
#include "vbmc/store/sql.h"

static int run_put(sqlite3 *db, void *data)
{
    const struct store_chassis *chassis = data;
    struct sql sql;

    sql_begin_kept(
        &sql, db,
        "INSERT OR REPLACE INTO chassis (uuid, restore_policy, cycle_interval_s, poh_minutes,"
        " was_on, restart_cause, boots, last_power_event, run, started_at,"
        " counted_at, restore, boot, ahead_ms)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_bind_uuid(&sql, &chassis->uuid);
    sql_bind_int(&sql, chassis->restore_policy);
    sql_bind_int(&sql, chassis->cycle_interval_s);
    sql_bind_int(&sql, chassis->poh_minutes);
    sql_bind_int(&sql, chassis->was_on);
    sql_bind_int(&sql, chassis->restart_cause);
    sql_bind_int(&sql, chassis->boots);
    sql_bind_int(&sql, chassis->last_power_event);
    sql_bind_int(&sql, chassis->run);
    sql_bind_int(&sql, chassis->started_at);
    sql_bind_int(&sql, chassis->counted_at);
    sql_bind_int(&sql, chassis->restore);
    sql_bind_clock(&sql, &chassis->clock);
    return sql_end(&sql);
}

static void read_row(struct sql *sql, void *row)
{
    struct store_chassis *chassis = row;

    sql_uuid(sql, &chassis->uuid);
    chassis->restore_policy = (uint8_t)sql_int(sql);
    chassis->cycle_interval_s = (uint8_t)sql_int(sql);
    chassis->poh_minutes = (uint32_t)sql_int(sql);
    chassis->was_on = sql_int(sql) != 0;
    chassis->restart_cause = (uint8_t)sql_int(sql);
    chassis->boots = (uint32_t)sql_int(sql);
    chassis->last_power_event = (uint8_t)sql_int(sql);
    chassis->run = sql_int(sql);
    chassis->started_at = sql_int(sql);
    chassis->counted_at = sql_int(sql);
    chassis->restore = (uint8_t)sql_int(sql);
    sql_clock(sql, &chassis->clock);
}

int store_chassis_put(struct store *store, const struct store_chassis *chassis, store_done_fn done,
                      void *context)
{
    struct store_chassis *copy = malloc(sizeof *copy);

    if (!copy)
        return -ENOMEM;
    *copy = *chassis;
    return store_submit(store, &(struct store_job){run_put, free, copy, done, context});
}

int store_chassis_load_all(struct store *store, struct store_chassis **chassis, size_t *count)
{
    return row_load_all(store,
                        "SELECT uuid, restore_policy, cycle_interval_s, poh_minutes, was_on,"
                        " restart_cause, boots, last_power_event, run, started_at, counted_at,"
                        " restore, boot, ahead_ms"
                        " FROM chassis ORDER BY uuid",
                        &(struct row_type){sizeof **chassis, read_row, NULL}, (void **)chassis,
                        count);
}
