#include "vbmc/state/parts.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/bmc/user_changes.h"
#include "vbmc/state/boot.h"
#include "vbmc/state/chassis.h"
#include "vbmc/state/owed.h"
#include "vbmc/state/record.h"
#include "vbmc/state/records.h"
#include "vbmc/state/users.h"
#include "vbmc/store/chassis.h"

struct parts {
    struct bmc *bmc;
    struct saves *saves;
    struct boot_owner boot;
    struct record_owner records[BMC_PART_COUNT];
    struct saves_part
        *saved[BMC_PART_COUNT]; /* NULL: never changed, and nothing of it is on disk */
};

static struct saves_part *add(struct parts *parts, enum bmc_part part)
{
    struct saves *saves = parts->saves;

    switch (part) {
    case BMC_PART_CHASSIS:
        return saves_add(saves, &chassis_save_kind, parts->bmc);
    case BMC_PART_BOOT:
        return saves_add(saves, &boot_save_kind, &parts->boot);
    case BMC_PART_OWED:
        return saves_add(saves, &owed_save_kind, parts->bmc);
    case BMC_PART_USERS:
        return saves_add(saves, &users_save_kind, parts->bmc);
    default:
        return saves_add(saves, record_save_kind(part), &parts->records[part]);
    }
}

static struct saves_part *make(struct parts *parts, enum bmc_part part)
{
    if (!parts->saved[part])
        parts->saved[part] = add(parts, part);
    return parts->saved[part];
}

struct parts *parts_new(struct bmc *bmc, struct saves *saves,
                        void (*driver_record)(struct bmc *bmc, const char **live,
                                              const char **stored))
{
    struct parts *parts = calloc(1, sizeof *parts);

    if (!parts)
        return NULL;
    parts->bmc = bmc;
    parts->saves = saves;
    parts->boot = (struct boot_owner){bmc, driver_record};
    for (unsigned i = 0; i < BMC_PART_COUNT; i++)
        parts->records[i] = (struct record_owner){bmc, record_kind_of((enum bmc_part)i)};
    return parts;
}

void parts_free(struct parts *parts)
{
    free(parts);
}

void parts_restore_chassis(struct parts *parts, const struct store_chassis *row)
{
    struct saves_part *saved = make(parts, BMC_PART_CHASSIS);
    struct store_chassis *copy = saved ? malloc(sizeof *copy) : NULL;

    chassis_rows_decode(parts->bmc, row);
    if (!copy)
        return;
    *copy = *row;
    saves_set_stored(saved, copy);
}

void parts_restore_boot(struct parts *parts, const struct store_boot *row)
{
    struct saves_part *saved = make(parts, BMC_PART_BOOT);

    boot_rows_decode(parts->bmc, row);
    if (saved)
        saves_set_stored(saved, boot_rows_copy(row));
}

void parts_restore_owed(struct parts *parts, const struct store_owed *row)
{
    owed_rows_decode(parts->bmc, row);
}

/* What the configuration has overtaken meanwhile is stored no more. */
void parts_restore_users(struct parts *parts, const struct user_change *changes, size_t count)
{
    struct saves_part *saved = make(parts, BMC_PART_USERS);
    int stale = users_restore(&parts->bmc->users, changes, count);

    if (!saved)
        return;
    saves_set_stored(saved, users_copy(changes, count));
    if (stale > 0)
        saves_changed(saved, NULL);
}

void parts_restore_record(struct parts *parts, const char *name, const char *text)
{
    for (unsigned i = 0; i < BMC_PART_COUNT; i++) {
        const struct record_owner *owner = &parts->records[i];
        if (!owner->kind || strcmp(owner->kind->name, name) != 0)
            continue;
        struct saves_part *saved = make(parts, (enum bmc_part)i);
        bool is_stale = record_restore(owner, text);
        if (saved)
            saves_set_stored(saved, strdup(text));
        if (saved && is_stale)
            saves_changed(saved, NULL);
    }
}

void parts_read_again(struct parts *parts)
{
    for (unsigned i = 0; i < BMC_PART_COUNT; i++) {
        const struct record_kind *kind = parts->records[i].kind;
        struct saves_part *saved =
            kind && !kind->is_of_guest ? make(parts, (enum bmc_part)i) : NULL;
        if (saved)
            saves_read_again(saved);
    }
}

void parts_changed(struct parts *parts, enum bmc_part part, const struct bmc_ticket *ticket)
{
    struct saves_part *saved = make(parts, part);

    if (saved)
        saves_changed(saved, ticket);
    else
        bmc_ticket_finish(ticket, -ENOMEM);
}

bool parts_is_stored(const struct parts *parts, enum bmc_part part)
{
    return !parts->saved[part] || saves_is_stored(parts->saved[part]);
}
