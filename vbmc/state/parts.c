#include "vbmc/state/parts.h"

#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/bmc.h"
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
    struct boot_owner boot;
    struct record_owner records[BMC_PART_COUNT];
    struct saves_part *saved[BMC_PART_COUNT];
};

static struct saves_part *add(struct parts *parts, struct saves *saves, enum bmc_part part)
{
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
        parts->records[part] = (struct record_owner){parts->bmc, record_kind_of(part)};
        return saves_add(saves, record_save_kind(part), &parts->records[part]);
    }
}

struct parts *parts_new(struct bmc *bmc, struct saves *saves,
                        void (*driver_record)(struct bmc *bmc, const char **live,
                                              const char **stored))
{
    struct parts *parts = calloc(1, sizeof *parts);

    if (!parts)
        return NULL;
    parts->bmc = bmc;
    parts->boot = (struct boot_owner){bmc, driver_record};
    for (unsigned i = 0; i < BMC_PART_COUNT; i++) {
        parts->saved[i] = add(parts, saves, (enum bmc_part)i);
        if (!parts->saved[i]) {
            free(parts); /* what was added is of no use and never reported */
            return NULL;
        }
    }
    return parts;
}

void parts_free(struct parts *parts)
{
    free(parts);
}

void parts_restore_chassis(struct parts *parts, const struct store_chassis *row)
{
    struct store_chassis *copy = malloc(sizeof *copy);

    chassis_rows_decode(parts->bmc, row);
    if (copy)
        *copy = *row;
    saves_set_stored(parts->saved[BMC_PART_CHASSIS], copy);
}

void parts_restore_boot(struct parts *parts, const struct store_boot *row)
{
    boot_rows_decode(parts->bmc, row);
    saves_set_stored(parts->saved[BMC_PART_BOOT], boot_rows_copy(row));
}

void parts_restore_owed(struct parts *parts, const struct store_owed *row)
{
    owed_rows_decode(parts->bmc, row);
}

/* What the configuration has overtaken meanwhile is stored no more. */
void parts_restore_users(struct parts *parts, const struct user_change *changes, size_t count)
{
    struct saves_part *saved = parts->saved[BMC_PART_USERS];
    int stale = users_restore(&parts->bmc->users, changes, count);

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
        bool is_stale = record_restore(owner, text);
        saves_set_stored(parts->saved[i], strdup(text));
        if (is_stale)
            saves_changed(parts->saved[i], NULL);
    }
}

void parts_read_again(struct parts *parts)
{
    for (unsigned i = 0; i < BMC_PART_COUNT; i++) {
        const struct record_kind *kind = parts->records[i].kind;
        if (kind && !kind->is_of_guest)
            saves_read_again(parts->saved[i]);
    }
}

void parts_changed(struct parts *parts, enum bmc_part part, const struct bmc_ticket *ticket)
{
    saves_changed(parts->saved[part], ticket);
}

bool parts_is_stored(const struct parts *parts, enum bmc_part part)
{
    return saves_is_stored(parts->saved[part]);
}
