#include "vbmc/instance/stored.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/console/sol.h"
#include "vbmc/instance/declared.h"
#include "vbmc/instance/hooks.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/internal.h"
#include "vbmc/state/bmcs.h"
#include "vbmc/state/parts.h"
#include "vbmc/store/boot.h"
#include "vbmc/virt/hypervisor.h"

static void driver_record(struct bmc *bmc, const char **live, const char **stored)
{
    const struct instance *instance = bmc->core.owner;
    const struct virt_domain *domain = instance->domain;

    *live = domain ? virt_domain_boot_live(domain) : instance->boot_live;
    *stored = domain ? virt_domain_boot_stored(domain) : instance->boot_stored;
}

static uint64_t clock_now(void *context)
{
    (void)context;
    return instance_now_ms();
}

static void clock_wake_at(void *context, uint64_t at_ms)
{
    instance_wake_at(context, at_ms);
}

static int begin_saves(struct instance *instance, const char *name)
{
    static const struct saves_clock clock = {.now = clock_now, .wake_at = clock_wake_at};

    instance->placement_owner =
        (struct placement_owner){&instance->bmc.core.uuid, &instance->placement};
    instance->saves = saves_new(instance->shared->store, name);
    instance->record_saved = saves_add(instance->saves, &bmcs_save_kind, &instance->record);
    instance->placement_saved =
        saves_add(instance->saves, &placement_save_kind, &instance->placement_owner);
    instance->parts =
        instance->saves ? parts_new(&instance->bmc, instance->saves, driver_record) : NULL;
    if (!instance->record_saved || !instance->placement_saved || !instance->parts)
        return -ENOMEM;
    saves_set_clock(instance->saves, &clock, instance);
    return 0;
}

int instance_begin_stored(struct instance *instance, const char *name,
                          const struct store_chassis *chassis, const struct store_boot *boot)
{
    if (begin_saves(instance, name) < 0)
        return -ENOMEM;
    if (chassis)
        parts_restore_chassis(instance->parts, chassis);
    if (boot) {
        parts_restore_boot(instance->parts, boot);
        instance->boot_live = boot->live ? strdup(boot->live) : NULL;
        instance->boot_stored = boot->stored ? strdup(boot->stored) : NULL;
    }
    return 0;
}

void instance_end_stored(struct instance *instance, void (*gone)(void *instance))
{
    saves_free(instance->saves, gone, instance);
}

void instance_restore_owed(struct instance *instance, const struct store_owed *owed)
{
    parts_restore_owed(instance->parts, owed);
}

void instance_restore_sol(struct instance *instance, const struct store_sol *sol)
{
    console_sol_restore(instance->sol, sol);
}

void instance_restore_users(struct instance *instance, const struct user_change *changes,
                            size_t count)
{
    parts_restore_users(instance->parts, changes, count);
}

void instance_restore_record(struct instance *instance, const char *name, const char *text)
{
    parts_restore_record(instance->parts, name, text);
}

struct placement *instance_placement(struct instance *instance)
{
    return &instance->placement;
}

void instance_note_placement(struct instance *instance)
{
    if (!instance->placement.changed)
        return;
    instance->placement.changed = false;
    saves_changed(instance->placement_saved, NULL);
}

struct store_bmc *instance_record(struct instance *instance)
{
    return &instance->record;
}

int instance_replace_record(struct instance *instance, const struct store_bmc *record)
{
    struct store_bmc copy;

    if (store_bmc_copy(&copy, record) < 0)
        return -ENOMEM;
    if (!copy.metadata) { /* that of the domain, which is the same */
        copy.metadata = instance->record.metadata;
        instance->record.metadata = NULL;
    }
    store_bmc_clear(&instance->record);
    instance->record = copy;
    instance_read_metadata(instance);
    return 0;
}

void instance_record_changed(struct instance *instance, store_done_fn done, void *context)
{
    saves_rename(instance->saves, instance->record.name);
    saves_changed_then(instance->record_saved, done, context);
}
