#include "vbmc/store/sol.h"

#include <errno.h>
#include <stdlib.h>

#include "vbmc/store/row.h"
#include "vbmc/store/sql.h"

static int run_put(sqlite3 *db, void *data)
{
    const struct store_sol *sol = data;
    struct sql sql;

    sql_begin_kept(&sql, db,
                   "INSERT OR REPLACE INTO sol (uuid, enable, authentication, accumulate, retry,"
                   " bit_rate, denied) VALUES (?, ?, ?, ?, ?, ?, ?)");
    sql_bind_uuid(&sql, &sol->uuid);
    sql_bind_int(&sql, sol->enable);
    sql_bind_int(&sql, sol->authentication);
    sql_bind_blob(&sql, sol->accumulate, sizeof sol->accumulate);
    sql_bind_blob(&sql, sol->retry, sizeof sol->retry);
    sql_bind_int(&sql, sol->bit_rate);
    sql_bind_blob(&sql, sol->denied, sizeof sol->denied);
    return sql_end(&sql);
}

static void read_row(struct sql *sql, void *row)
{
    struct store_sol *sol = row;

    sql_uuid(sql, &sol->uuid);
    sol->enable = (uint8_t)sql_int(sql);
    sol->authentication = (uint8_t)sql_int(sql);
    sql_blob(sql, sol->accumulate, sizeof sol->accumulate);
    sql_blob(sql, sol->retry, sizeof sol->retry);
    sol->bit_rate = (uint8_t)sql_int(sql);
    sql_blob(sql, sol->denied, sizeof sol->denied);
}

int store_sol_put(struct store *store, const struct store_sol *sol, store_done_fn done,
                  void *context)
{
    struct store_sol *copy = malloc(sizeof *copy);

    if (!copy)
        return -ENOMEM;
    *copy = *sol;
    return store_submit(store, &(struct store_job){run_put, free, copy, done, context});
}

int store_sol_load_all(struct store *store, struct store_sol **sols, size_t *count)
{
    return row_load_all(store,
                        "SELECT uuid, enable, authentication, accumulate, retry, bit_rate, denied"
                        " FROM sol ORDER BY uuid",
                        &(struct row_type){sizeof **sols, read_row, NULL}, (void **)sols, count);
}
