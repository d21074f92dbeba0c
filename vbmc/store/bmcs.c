#include "vbmc/store/bmcs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/array.h"
#include "vbmc/base/locked.h"
#include "vbmc/store/row.h"
#include "vbmc/store/schema.h"
#include "vbmc/store/sql.h"

static const struct {
    size_t offset;
    bool is_secret;
} texts[] = {
    {offsetof(struct store_bmc, name), false},
    {offsetof(struct store_bmc, address), false},
    {offsetof(struct store_bmc, username), false},
    {offsetof(struct store_bmc, password), true},
    {offsetof(struct store_bmc, uri), false},
    {offsetof(struct store_bmc, sasl_username), false},
    {offsetof(struct store_bmc, sasl_password), true},
    {offsetof(struct store_bmc, metadata), false},
};

static char **text_at(struct store_bmc *bmc, size_t i)
{
    return (char **)((char *)bmc + texts[i].offset);
}

static int run_put(sqlite3 *db, void *data)
{
    struct store_bmc *bmc = data;
    struct sql sql;

    sql_begin_kept(
        &sql, db,
        "INSERT OR REPLACE INTO bmcs (uuid, is_explicit, active, deleted, changed_at, port,"
        " name, address, username, password, uri, sasl_username, sasl_password,"
        " metadata) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_bind_uuid(&sql, &bmc->uuid);
    sql_bind_int(&sql, bmc->is_explicit);
    sql_bind_int(&sql, bmc->active);
    sql_bind_int(&sql, bmc->deleted);
    sql_bind_int(&sql, bmc->changed_at);
    sql_bind_int(&sql, bmc->port);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        sql_bind_text(&sql, *text_at(bmc, i));
    return sql_end(&sql);
}

static void read_row(struct sql *sql, void *row)
{
    struct store_bmc *bmc = row;

    sql_uuid(sql, &bmc->uuid);
    bmc->is_explicit = sql_int(sql) != 0;
    bmc->active = sql_int(sql) != 0;
    bmc->deleted = sql_int(sql) != 0;
    bmc->changed_at = sql_int(sql);
    bmc->port = (uint16_t)sql_int(sql);
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        *text_at(bmc, i) = sql_text(sql);
        if (texts[i].is_secret)
            locked_move_text(text_at(bmc, i));
    }
}

void store_bmc_clear(struct store_bmc *bmc)
{
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++)
        locked_free_text(*text_at(bmc, i));
}

static char *copy_text(const char *text, bool is_secret)
{
    return is_secret ? locked_copy_text(text) : strdup(text);
}

int store_bmc_copy(struct store_bmc *to, const struct store_bmc *from)
{
    bool is_complete = true;

    *to = *from;
    for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
        char **text = text_at(to, i);
        if (*text)
            is_complete = (*text = copy_text(*text, texts[i].is_secret)) && is_complete;
    }
    if (is_complete)
        return 0;
    store_bmc_clear(to);
    *to = (struct store_bmc){0};
    return -ENOMEM;
}

static void clear(void *row)
{
    store_bmc_clear(row);
}

static void release(void *data)
{
    clear(data);
    free(data);
}

static int submit_put(struct store *store, int (*run)(sqlite3 *db, void *data),
                      const struct store_bmc *bmc, store_done_fn done, void *context)
{
    struct store_bmc *copy = malloc(sizeof *copy);

    if (!copy || store_bmc_copy(copy, bmc) < 0) {
        free(copy);
        return -ENOMEM;
    }
    return store_submit(store, &(struct store_job){run, release, copy, done, context});
}

int store_bmcs_put(struct store *store, const struct store_bmc *bmc, store_done_fn done,
                   void *context)
{
    return submit_put(store, run_put, bmc, done, context);
}

static int run_put_alone(sqlite3 *db, void *data)
{
    const struct store_bmc *bmc = data;
    int result = schema_forget_domain(db, &bmc->uuid);

    return result < 0 ? result : run_put(db, data);
}

int store_bmcs_put_alone(struct store *store, const struct store_bmc *bmc, store_done_fn done,
                         void *context)
{
    return submit_put(store, run_put_alone, bmc, done, context);
}

static int run_clear_deleted(sqlite3 *db, void *data)
{
    int result = schema_forget_deleted(db);

    (void)data;
    if (result < 0)
        return result;
    return sql_run(db, "UPDATE bmcs SET port = 0, address = NULL, username = NULL, password = NULL,"
                       " uri = NULL, sasl_username = NULL, sasl_password = NULL, metadata = NULL"
                       " WHERE deleted AND coalesce(address, username, password, uri,"
                       " sasl_username, sasl_password, metadata)"
                       " NOT NULL");
}

int store_bmcs_clear_deleted(struct store *store, store_done_fn done, void *context)
{
    return store_submit(store, &(struct store_job){run_clear_deleted, NULL, NULL, done, context});
}

int store_bmcs_load_all(struct store *store, struct store_bmc **bmcs, size_t *count)
{
    return row_load_all(store,
                        "SELECT uuid, is_explicit, active, deleted, changed_at, port, name,"
                        " address, username, password, uri, sasl_username, sasl_password,"
                        " metadata"
                        " FROM bmcs ORDER BY uuid",
                        &(struct row_type){sizeof **bmcs, read_row, clear}, (void **)bmcs, count);
}

void store_bmcs_free(struct store_bmc *bmcs, size_t count)
{
    for (size_t i = 0; i < count; i++)
        clear(&bmcs[i]);
    free(bmcs);
}
