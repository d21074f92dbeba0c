#include "vbmc/state/boot.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/boot.h"
#include "vbmc/store/boot.h"

static void fill_options(struct boot_options *boot, const struct store_boot *row)
{
    boot->service_partition = row->service_partition;
    boot->service_partition_scan = row->service_partition_scan;
    boot->locked = row->locked;
    boot->valid_bit_clearing = row->valid_bit_clearing;
    boot->info_acknowledge = row->info_acknowledge;
    boot->uses = row->uses;
    memcpy(boot->flags, row->flags, sizeof boot->flags);
    memcpy(boot->initiator, row->initiator, sizeof boot->initiator);
    memcpy(boot->mailbox, row->mailbox, sizeof boot->mailbox);
}

void boot_rows_decode(struct bmc *bmc, const struct store_boot *row)
{
    fill_options(&bmc->boot, row);
    boot_restart_expiry(&bmc->boot);
}

struct store_boot *boot_rows_copy(const struct store_boot *row)
{
    struct store_boot *copy = malloc(sizeof *copy);

    if (copy) {
        *copy = *row;
        copy->live = copy->stored = NULL;
    }
    return copy;
}

static void *copy(void *owner)
{
    const struct bmc *bmc = ((struct boot_owner *)owner)->bmc;
    const struct boot_options boot = boot_settled(&bmc->boot);
    struct store_boot row = {
        .uuid = bmc->core.uuid,
        .service_partition = boot.service_partition,
        .service_partition_scan = boot.service_partition_scan,
        .locked = boot.locked,
        .valid_bit_clearing = boot.valid_bit_clearing,
        .info_acknowledge = boot.info_acknowledge,
        .uses = boot.uses,
    };

    memcpy(row.flags, boot.flags, sizeof row.flags);
    memcpy(row.initiator, boot.initiator, sizeof row.initiator);
    memcpy(row.mailbox, boot.mailbox, sizeof row.mailbox);
    return boot_rows_copy(&row);
}

static int put(struct store *store, void *owner, const void *options, store_done_fn done,
               void *context)
{
    const struct boot_owner *boot = owner;
    const char *live, *stored;
    struct store_boot row = *(const struct store_boot *)options;

    boot->driver_record(boot->bmc, &live, &stored);
    row.live = (char *)live; /* not changed there */
    row.stored = (char *)stored;
    return store_boot_put(store, &row, done, context);
}

/* Not the driver's record, which is what the driver has done. */
static bool take_back(void *owner, const void *stored, bool asked)
{
    struct boot_options options;

    (void)asked;
    boot_set_defaults(&options);
    if (stored)
        fill_options(&options, stored);
    boot_take_back(&((struct boot_owner *)owner)->bmc->boot, &options);
    return false;
}

const struct save_kind boot_save_kind = {
    .name = "boot options",
    .copy = copy,
    .release = free,
    .put = put,
    .take_back = take_back,
};
