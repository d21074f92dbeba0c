#include "vbmc/store/placement.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/store/row.h"
#include "vbmc/store/sql.h"

/* ---- guests ---- */

struct put {
    struct uuid uuid;
    struct store_placement *rows;
    size_t count;
};

static int run_put(sqlite3 *db, void *data)
{
    const struct put *put = data;
    struct sql sql;

    sql_begin_kept(&sql, db, "DELETE FROM placement WHERE uuid = ?");
    sql_bind_uuid(&sql, &put->uuid);
    int result = sql_end(&sql);
    for (size_t i = 0; result == 0 && i < put->count; i++) {
        sql_begin_kept(&sql, db,
                       "INSERT INTO placement (uuid, uri, listed, fact) VALUES (?, ?, ?, ?)");
        sql_bind_uuid(&sql, &put->uuid);
        sql_bind_text(&sql, put->rows[i].uri);
        sql_bind_int(&sql, put->rows[i].listed);
        sql_bind_int(&sql, put->rows[i].fact);
        result = sql_end(&sql);
    }
    return result;
}

static void release_put(void *data)
{
    struct put *put = data;

    store_placement_free(put->rows, put->count);
    free(put);
}

int store_placement_put(struct store *store, const struct uuid *uuid,
                        const struct store_placement *rows, size_t count, store_done_fn done,
                        void *context)
{
    struct put *put = calloc(1, sizeof *put);
    bool is_complete = put && (put->rows = calloc(count + 1, sizeof *rows)) != NULL;

    for (size_t i = 0; is_complete && i < count; i++) {
        put->rows[i] = rows[i];
        is_complete = (put->rows[i].uri = strdup(rows[i].uri)) != NULL;
        put->count++;
    }
    if (!is_complete) {
        if (put)
            release_put(put);
        return -ENOMEM;
    }
    put->uuid = *uuid;
    return store_submit(store, &(struct store_job){run_put, release_put, put, done, context});
}

static void read_row(struct sql *sql, void *row)
{
    struct store_placement *placement = row;

    sql_uuid(sql, &placement->uuid);
    placement->uri = sql_text(sql);
    placement->listed = sql_int(sql) != 0;
    placement->fact = (uint8_t)sql_int(sql);
}

static void clear_row(void *row)
{
    free(((struct store_placement *)row)->uri);
}

int store_placement_load_all(struct store *store, struct store_placement **rows, size_t *count)
{
    return row_load_all(store, "SELECT uuid, uri, listed, fact FROM placement ORDER BY uuid, uri",
                        &(struct row_type){sizeof **rows, read_row, clear_row}, (void **)rows,
                        count);
}

void store_placement_free(struct store_placement *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        clear_row(&rows[i]);
    free(rows);
}

/* ---- hypervisors ---- */

static int run_mark(sqlite3 *db, void *data)
{
    struct sql sql;

    sql_begin_kept(&sql, db, "INSERT OR REPLACE INTO dead_hypervisors (uri) VALUES (?)");
    sql_bind_text(&sql, data);
    return sql_end(&sql);
}

static int run_unmark(sqlite3 *db, void *data)
{
    struct sql sql;

    sql_begin_kept(&sql, db, "DELETE FROM dead_hypervisors WHERE uri = ?");
    sql_bind_text(&sql, data);
    return sql_end(&sql);
}

int store_dead_hypervisor_put(struct store *store, const char *uri, bool dead, store_done_fn done,
                              void *context)
{
    char *copy = strdup(uri);

    if (!copy)
        return -ENOMEM;
    return store_submit(
        store, &(struct store_job){dead ? run_mark : run_unmark, free, copy, done, context});
}

static void read_dead(struct sql *sql, void *row)
{
    ((struct store_dead_hypervisor *)row)->uri = sql_text(sql);
}

static void clear_dead(void *row)
{
    free(((struct store_dead_hypervisor *)row)->uri);
}

int store_dead_hypervisors_load(struct store *store, struct store_dead_hypervisor **rows,
                                size_t *count)
{
    return row_load_all(store, "SELECT uri FROM dead_hypervisors ORDER BY uri",
                        &(struct row_type){sizeof **rows, read_dead, clear_dead}, (void **)rows,
                        count);
}

void store_dead_hypervisors_free(struct store_dead_hypervisor *rows, size_t count)
{
    for (size_t i = 0; i < count; i++)
        clear_dead(&rows[i]);
    free(rows);
}
