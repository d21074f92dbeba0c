#include "vbmc/store/users.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/store/sql.h"

struct put {
    struct uuid uuid;
    size_t count;
    struct user_change changes[];
};

static void release(void *data)
{
    struct put *put = data;

    explicit_bzero(put, sizeof *put + put->count * sizeof put->changes[0]);
    free(put);
}

static int insert(sqlite3 *db, const struct put *put, const struct user_change *change)
{
    struct sql sql;

    sql_begin_kept(&sql, db,
                   "INSERT INTO users (uuid, id, part, replaced, value, value_size)"
                   " VALUES (?, ?, ?, ?, ?, ?)");
    sql_bind_uuid(&sql, &put->uuid);
    sql_bind_int(&sql, change->id);
    sql_bind_int(&sql, change->part);
    sql_bind_blob(&sql, change->replaced, sizeof change->replaced);
    sql_bind_blob(&sql, change->value, sizeof change->value);
    sql_bind_int(&sql, change->value_size);
    return sql_end(&sql);
}

static int run_put(sqlite3 *db, void *data)
{
    const struct put *put = data;
    struct sql sql;

    sql_begin_kept(&sql, db, "DELETE FROM users WHERE uuid = ?");
    sql_bind_uuid(&sql, &put->uuid);
    int result = sql_end(&sql);
    for (size_t i = 0; i < put->count && result == 0; i++)
        result = insert(db, put, &put->changes[i]);
    return result;
}

int store_users_put(struct store *store, const struct uuid *uuid, const struct user_change *changes,
                    size_t count, store_done_fn done, void *context)
{
    struct put *put = malloc(sizeof *put + count * sizeof *changes);

    if (!put)
        return -ENOMEM;
    put->uuid = *uuid;
    put->count = count;
    if (count > 0)
        memcpy(put->changes, changes, count * sizeof *changes);
    return store_submit(store, &(struct store_job){run_put, release, put, done, context});
}

static int count_rows(struct store *store, size_t *count)
{
    struct sql sql;

    *count = 0;
    sql_begin_kept(&sql, store_reader(store), "SELECT count(*) FROM users");
    if (sql_next_row(&sql))
        *count = (size_t)sql_int(&sql);
    return sql_end(&sql);
}

static void read_row(struct sql *sql, struct store_user *user)
{
    struct user_change *change = &user->change;

    sql_uuid(sql, &user->uuid);
    change->id = (uint8_t)sql_int(sql);
    change->part = (uint8_t)sql_int(sql);
    sql_blob(sql, change->replaced, sizeof change->replaced);
    sql_blob(sql, change->value, sizeof change->value);
    change->value_size = (uint8_t)sql_int(sql);
}

/* An array that grows would leave passwords behind. */
int store_users_load_all(struct store *store, struct store_user **users, size_t *count)
{
    struct sql sql;
    size_t room, used = 0;
    int result = count_rows(store, &room);
    struct store_user *rows = result == 0 && room > 0 ? calloc(room, sizeof *rows) : NULL;

    *users = NULL;
    *count = 0;
    if (result < 0 || room == 0)
        return result;
    if (!rows)
        return -ENOMEM;
    sql_begin_kept(&sql, store_reader(store),
                   "SELECT uuid, id, part, replaced, value, value_size FROM users"
                   " ORDER BY uuid, id, part LIMIT ?");
    sql_bind_int(&sql, (int64_t)room);
    while (sql_next_row(&sql))
        read_row(&sql, &rows[used++]);
    result = sql_end(&sql);
    if (result < 0) {
        store_users_free(rows, room);
        return result;
    }
    *users = rows;
    *count = used;
    return 0;
}

void store_users_free(struct store_user *users, size_t count)
{
    if (users)
        explicit_bzero(users, count * sizeof *users);
    free(users);
}
