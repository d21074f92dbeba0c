#include "vbmc/store/sel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/bmc/sel.h"
#include "vbmc/store/sql.h"

struct job {
    struct sel_change change;
    struct sel_entry entries[]; /* those of the change */
};

static int remove_entries(sqlite3 *db, const struct sel_change *change)
{
    struct sql sql;

    sql_begin_kept(&sql, db, "DELETE FROM sel WHERE uuid = ? AND sequence BETWEEN ? AND ?");
    sql_bind_uuid(&sql, &change->uuid);
    sql_bind_int(&sql, (int64_t)change->remove_first);
    sql_bind_int(&sql, (int64_t)change->remove_last);
    return sql_end(&sql);
}

static int add_entry(sqlite3 *db, const struct uuid *uuid, const struct sel_entry *entry)
{
    struct sql sql;

    sql_begin_kept(&sql, db, "INSERT INTO sel (uuid, sequence, record) VALUES (?, ?, ?)");
    sql_bind_uuid(&sql, uuid);
    sql_bind_int(&sql, (int64_t)entry->sequence);
    sql_bind_blob(&sql, entry->record, sizeof entry->record);
    return sql_end(&sql);
}

static int put_state(sqlite3 *db, const struct uuid *uuid, const struct sel_state *state)
{
    struct sql sql;

    sql_begin_kept(&sql, db,
                   "INSERT OR REPLACE INTO sel_state (uuid, next_id, added_at, erased_at,"
                   " clock_offset_s, utc_offset_min, overflow, last_by_software, last_by_bmc)"
                   " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_bind_uuid(&sql, uuid);
    sql_bind_int(&sql, state->next_id);
    sql_bind_int(&sql, state->added_at);
    sql_bind_int(&sql, state->erased_at);
    sql_bind_int(&sql, state->clock_offset_s);
    sql_bind_int(&sql, state->utc_offset_min);
    sql_bind_int(&sql, state->overflow);
    sql_bind_int(&sql, state->last_by_software);
    sql_bind_int(&sql, state->last_by_bmc);
    return sql_end(&sql);
}

static int run_put(sqlite3 *db, void *data)
{
    const struct job *job = data;
    int result = put_state(db, &job->change.uuid, &job->change.state);

    if (result == 0 && job->change.remove_last > 0)
        result = remove_entries(db, &job->change);
    for (size_t i = 0; i < job->change.count && result == 0; i++)
        result = add_entry(db, &job->change.uuid, &job->entries[i]);
    return result;
}

int store_sel_put(struct store *store, const struct sel_change *change, store_done_fn done,
                  void *context)
{
    struct job *job = malloc(sizeof *job + change->count * sizeof *change->entries);

    if (!job)
        return -ENOMEM;
    job->change = *change;
    job->change.entries = NULL;
    if (change->count > 0)
        memcpy(job->entries, change->entries, change->count * sizeof *change->entries);
    return store_submit(store, &(struct store_job){run_put, free, job, done, context});
}

static int load_state(sqlite3 *db, const struct uuid *uuid, struct sel_state *state)
{
    struct sql sql;
    bool found = false;

    sql_begin_kept(&sql, db,
                   "SELECT next_id, added_at, erased_at, clock_offset_s, utc_offset_min, overflow,"
                   " last_by_software, last_by_bmc FROM sel_state WHERE uuid = ?");
    sql_bind_uuid(&sql, uuid);
    if (sql_next_row(&sql)) {
        found = true;
        state->next_id = (uint16_t)sql_int(&sql);
        state->added_at = (uint32_t)sql_int(&sql);
        state->erased_at = (uint32_t)sql_int(&sql);
        state->clock_offset_s = sql_int(&sql);
        state->utc_offset_min = (int16_t)sql_int(&sql);
        state->overflow = sql_int(&sql) != 0;
        state->last_by_software = (uint16_t)sql_int(&sql);
        state->last_by_bmc = (uint16_t)sql_int(&sql);
    }
    int result = sql_end(&sql);
    return result < 0 ? result : found ? 0 : -ENOENT;
}

static int count_entries(sqlite3 *db, const struct uuid *uuid, size_t *count)
{
    struct sql sql;

    sql_begin_kept(&sql, db, "SELECT count(*) FROM sel WHERE uuid = ?");
    sql_bind_uuid(&sql, uuid);
    if (sql_next_row(&sql))
        *count = (size_t)sql_int(&sql);
    return sql_end(&sql);
}

int store_sel_load(struct store *store, const struct uuid *uuid, struct sel_state *state,
                   struct sel_entry **entries, size_t *count)
{
    sqlite3 *db = store_reader(store);
    size_t room = 0, used = 0;
    struct sql sql;
    int result = load_state(db, uuid, state);

    if (result == 0)
        result = count_entries(db, uuid, &room);
    if (result < 0)
        return result;
    CLEANUP_FREE struct sel_entry *found = calloc(room + 1, sizeof *found);
    if (!found)
        return -ENOMEM;
    sql_begin_kept(&sql, db, "SELECT sequence, record FROM sel WHERE uuid = ? ORDER BY sequence");
    sql_bind_uuid(&sql, uuid);
    while (used < room && sql_next_row(&sql)) {
        found[used].sequence = (uint64_t)sql_int(&sql);
        sql_blob(&sql, found[used].record, sizeof found[used].record);
        used++;
    }
    result = sql_end(&sql);
    if (result < 0)
        return result;
    *entries = cleanup_steal_pointer(&found);
    *count = used;
    return 0;
}
