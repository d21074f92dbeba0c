#include "vbmc/store/boot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/store/row.h"
#include "vbmc/store/sql.h"

static int run_put(sqlite3 *db, void *data)
{
    const struct store_boot *boot = data;
    struct sql sql;

    sql_begin_kept(&sql, db,
                   "INSERT OR REPLACE INTO boot (uuid, valid_bit_clearing, info_acknowledge, flags,"
                   " initiator, mailbox, live, stored, service_partition, service_partition_scan,"
                   " locked) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    sql_bind_uuid(&sql, &boot->uuid);
    sql_bind_int(&sql, boot->valid_bit_clearing);
    sql_bind_int(&sql, boot->info_acknowledge);
    sql_bind_blob(&sql, boot->flags, sizeof boot->flags);
    sql_bind_blob(&sql, boot->initiator, sizeof boot->initiator);
    sql_bind_blob(&sql, boot->mailbox, sizeof boot->mailbox);
    sql_bind_text(&sql, boot->live);
    sql_bind_text(&sql, boot->stored);
    sql_bind_int(&sql, boot->service_partition);
    sql_bind_int(&sql, boot->service_partition_scan);
    sql_bind_int(&sql, boot->locked);
    return sql_end(&sql);
}

static void read_row(struct sql *sql, void *row)
{
    struct store_boot *boot = row;

    sql_uuid(sql, &boot->uuid);
    boot->valid_bit_clearing = (uint8_t)sql_int(sql);
    boot->info_acknowledge = (uint8_t)sql_int(sql);
    sql_blob(sql, boot->flags, sizeof boot->flags);
    sql_blob(sql, boot->initiator, sizeof boot->initiator);
    sql_blob(sql, boot->mailbox, sizeof boot->mailbox);
    boot->live = sql_text(sql);
    boot->stored = sql_text(sql);
    boot->service_partition = (uint8_t)sql_int(sql);
    boot->service_partition_scan = (uint8_t)sql_int(sql);
    boot->locked = (uint8_t)sql_int(sql);
}

static void clear(void *row)
{
    struct store_boot *boot = row;

    free(boot->live);
    free(boot->stored);
}

static void release(void *data)
{
    clear(data);
    free(data);
}

int store_boot_put(struct store *store, const struct store_boot *boot, store_done_fn done,
                   void *context)
{
    struct store_boot *copy = malloc(sizeof *copy);

    if (!copy)
        return -ENOMEM;
    *copy = *boot;
    copy->live = boot->live ? strdup(boot->live) : NULL;
    copy->stored = boot->stored ? strdup(boot->stored) : NULL;
    if ((boot->live && !copy->live) || (boot->stored && !copy->stored)) {
        release(copy);
        return -ENOMEM;
    }
    return store_submit(store, &(struct store_job){run_put, release, copy, done, context});
}

int store_boot_load_all(struct store *store, struct store_boot **boots, size_t *count)
{
    return row_load_all(store,
                        "SELECT uuid, valid_bit_clearing, info_acknowledge, flags, initiator,"
                        " mailbox, live, stored, service_partition, service_partition_scan, locked"
                        " FROM boot ORDER BY uuid",
                        &(struct row_type){sizeof **boots, read_row, clear}, (void **)boots, count);
}

void store_boot_free(struct store_boot *boots, size_t count)
{
    for (size_t i = 0; i < count; i++)
        clear(&boots[i]);
    free(boots);
}
