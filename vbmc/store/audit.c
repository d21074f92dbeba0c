#include "vbmc/store/audit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/store/sql.h"

/* ---- adding ---- */

static int add(sqlite3 *db, const struct audit_record *record)
{
    struct sql sql;

    sql_begin_kept(
        &sql, db,
        "INSERT INTO audit (id, time, kind, uuid, bmc, operation, detail, user, way, address,"
        " pid, session, privilege, result, outcome, more, until)"
        " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_bind_int(&sql, (int64_t)record->id);
    sql_bind_int(&sql, record->time_ms);
    sql_bind_int(&sql, record->kind);
    if (record->has_bmc)
        sql_bind_uuid(&sql, &record->uuid);
    else
        sql_bind_text(&sql, NULL);
    sql_bind_text(&sql, record->bmc);
    sql_bind_text(&sql, record->operation);
    sql_bind_text(&sql, record->detail);
    sql_bind_text(&sql, record->user);
    sql_bind_text(&sql, record->way);
    sql_bind_text(&sql, record->address);
    sql_bind_int(&sql, record->pid);
    sql_bind_int(&sql, record->session);
    sql_bind_text(&sql, record->privilege);
    sql_bind_int(&sql, record->result);
    sql_bind_text(&sql, record->outcome);
    sql_bind_int(&sql, record->more);
    sql_bind_int(&sql, record->until_ms);
    return sql_end(&sql);
}

static int prune(sqlite3 *db, enum audit_kind kind, int64_t keep)
{
    struct sql sql;

    sql_begin_kept(&sql, db,
                   "DELETE FROM audit WHERE kind = ? AND id <="
                   " (SELECT id FROM audit WHERE kind = ? ORDER BY id DESC LIMIT 1 OFFSET ?)");
    sql_bind_int(&sql, kind);
    sql_bind_int(&sql, kind);
    sql_bind_int(&sql, keep);
    return sql_end(&sql);
}

static int run_add(sqlite3 *db, void *data)
{
    const struct audit_record *record = data;
    int result = add(db, record);

    if (result == 0 && record->id % STORE_AUDIT_BATCH == 0)
        result = prune(db, AUDIT_CHANGE, STORE_AUDIT_CHANGES);
    if (result == 0 && record->id % STORE_AUDIT_BATCH == 0)
        result = prune(db, AUDIT_ACCESS, STORE_AUDIT_ACCESSES);
    return result;
}

int store_audit_add(struct store *store, const struct audit_record *record, store_done_fn done,
                    void *context)
{
    struct audit_record *copy = malloc(sizeof *copy);

    if (!copy)
        return -ENOMEM;
    *copy = *record;
    return store_submit(store, &(struct store_job){run_add, free, copy, done, context});
}

static void follow(void *data, int result)
{
    struct audit_record *record = data;

    record->result = result;
    if (result == 0)
        snprintf(record->outcome, sizeof record->outcome, "done");
    else
        snprintf(record->outcome, sizeof record->outcome, "the change could not be stored: %s",
                 strerror(-result));
}

int store_audit_add_along(struct store *store, struct audit_record *record, store_done_fn done,
                          void *context)
{
    return store_submit_behind(store, &(struct store_job){run_add, NULL, record, done, context},
                               follow);
}

/* ---- how many more ---- */

struct more {
    uint64_t id;
    uint32_t more;
    int64_t until_ms;
};

static int run_set_more(sqlite3 *db, void *data)
{
    const struct more *more = data;
    struct sql sql;

    sql_begin_kept(&sql, db, "UPDATE audit SET more = ?, until = ? WHERE id = ?");
    sql_bind_int(&sql, more->more);
    sql_bind_int(&sql, more->until_ms);
    sql_bind_int(&sql, (int64_t)more->id);
    return sql_end(&sql);
}

int store_audit_set_more(struct store *store, uint64_t id, uint32_t more, int64_t until_ms)
{
    struct more *copy = malloc(sizeof *copy);

    if (!copy)
        return -ENOMEM;
    *copy = (struct more){id, more, until_ms};
    return store_submit(store, &(struct store_job){run_set_more, free, copy, NULL, NULL});
}

/* ---- reading ---- */

struct list {
    struct audit_query query;
    audit_listed *listed;
    void *context;
    struct audit_record *records; /* the newest first */
    size_t count, room;
};

static void read_text(struct sql *sql, char *text, size_t size)
{
    CLEANUP_FREE char *column = sql_text(sql);

    snprintf(text, size, "%s", column ? column : "");
}

static void read_record(struct sql *sql, struct audit_record *record)
{
    *record = (struct audit_record){.id = (uint64_t)sql_int(sql)};
    record->time_ms = sql_int(sql);
    record->kind = sql_int(sql) == AUDIT_CHANGE ? AUDIT_CHANGE : AUDIT_ACCESS;
    record->has_bmc = sql_int(sql) != 0;
    sql_uuid(sql, &record->uuid);
    read_text(sql, record->bmc, sizeof record->bmc);
    read_text(sql, record->operation, sizeof record->operation);
    read_text(sql, record->detail, sizeof record->detail);
    read_text(sql, record->user, sizeof record->user);
    read_text(sql, record->way, sizeof record->way);
    read_text(sql, record->address, sizeof record->address);
    record->pid = sql_int(sql);
    record->session = (uint32_t)sql_int(sql);
    read_text(sql, record->privilege, sizeof record->privilege);
    record->result = (int)sql_int(sql);
    read_text(sql, record->outcome, sizeof record->outcome);
    record->more = (uint32_t)sql_int(sql);
    record->until_ms = sql_int(sql);
}

static int make_room(struct list *list)
{
    size_t room = list->room ? 2 * list->room : 64;

    if (list->count < list->room)
        return 0;
    struct audit_record *records = realloc(list->records, room * sizeof *records);
    if (!records)
        return -ENOMEM;
    list->records = records;
    list->room = room;
    return 0;
}

static int run_list(sqlite3 *db, void *data)
{
    struct list *list = data;
    const struct audit_query *query = &list->query;
    struct sql sql;
    char text[400];
    int result = 0;

    list->count = 0;
    snprintf(text, sizeof text,
             "SELECT id, time, kind, uuid IS NOT NULL, ifnull(uuid, zeroblob(16)), bmc, operation,"
             " detail, user, way, address, pid, session, privilege, result, outcome, more, until"
             " FROM audit WHERE time >= ?%s ORDER BY id DESC LIMIT ?",
             query->has_bmc ? " AND uuid = ?" : "");
    sql_begin(&sql, db, text);
    sql_bind_int(&sql, query->since_ms);
    if (query->has_bmc)
        sql_bind_uuid(&sql, &query->uuid);
    sql_bind_int(&sql, query->last);
    while (result == 0 && sql_next_row(&sql)) {
        result = make_room(list);
        if (result == 0)
            read_record(&sql, &list->records[list->count++]);
    }
    int ended = sql_end(&sql);
    return result < 0 ? result : ended;
}

static void on_list(void *context, int result)
{
    struct list *list = context;

    for (size_t i = 0, j = list->count; i + 1 < j; i++) {
        struct audit_record record = list->records[i];
        list->records[i] = list->records[--j];
        list->records[j] = record;
    }
    list->listed(list->context, result, list->records, result < 0 ? 0 : list->count);
    free(list->records);
    free(list);
}

int store_audit_list(struct store *store, const struct audit_query *query, audit_listed *listed,
                     void *context)
{
    struct list *list = calloc(1, sizeof *list);

    if (!list)
        return -ENOMEM;
    *list = (struct list){.query = *query, .listed = listed, .context = context};
    int result = store_submit(store, &(struct store_job){run_list, NULL, list, on_list, list});
    if (result < 0)
        free(list);
    return result;
}

int store_audit_load_last(struct store *store, uint64_t *id)
{
    struct sql sql;

    *id = 0;
    sql_begin(&sql, store_reader(store), "SELECT ifnull(max(id), 0) FROM audit");
    if (sql_next_row(&sql))
        *id = (uint64_t)sql_int(&sql);
    return sql_end(&sql);
}
