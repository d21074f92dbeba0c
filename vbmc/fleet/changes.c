/* Changes of single BMCs by an administrator: add, delete, start, stop.
 *
 * A change is stored first and carried out when it is on disk, so that one which is answered as
 * failed was not done. Changes of one BMC are carried out one after another: the next begins when
 * the one before it has been answered. */
#include "vbmc/fleet/changes.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/cleanup.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/boot.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/watchdog.h"
#include "vbmc/console/console.h"
#include "vbmc/fleet/bmcs.h"
#include "vbmc/fleet/deleted.h"
#include "vbmc/fleet/disconnect.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/listen.h"
#include "vbmc/fleet/placement.h"
#include "vbmc/fleet/watch.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/stored.h"
#include "vbmc/state/bmcs.h"
#include "vbmc/store/bmcs.h"

struct change {
    struct change *next; /* of the same BMC */
    struct fleet *fleet;
    struct uuid uuid;
    void (*begin)(struct change *change);
    struct store_bmc record; /* of an addition; strings owned */
    bool active;             /* of a start (true) or a stop */
    fleet_done_fn *done;
    void *context;
};

static void free_change(struct change *change)
{
    if (change)
        store_bmc_clear(&change->record);
    free(change);
}

static struct change *copy_change(struct fleet *fleet, const struct change *template)
{
    struct change *change = malloc(sizeof *change);
    struct store_bmc record;

    if (!change || store_bmc_copy(&record, &template->record) < 0) {
        free(change);
        return NULL;
    }
    *change = *template;
    change->fleet = fleet;
    change->record = record;
    return change;
}

static void end_change(struct change *change, int result, const char *text)
{
    struct uuid_map *changes = &change->fleet->changes;
    struct change *next;

    change->done(change->context, result, result < 0 && !text ? strerror(-result) : text);
    next = change->next; /* `done` may have added it */
    if (next)
        uuid_map_put(changes, &change->uuid, next); /* there is room: it takes its place */
    else
        uuid_map_remove(changes, &change->uuid);
    free_change(change);
    if (next)
        next->begin(next);
}

/* Takes over what `template` says; its record is copied. */
static void submit_change(struct fleet *fleet, const struct change *template)
{
    struct change *change = copy_change(fleet, template);
    struct change *last = uuid_map_get(&fleet->changes, &template->uuid);

    if (!change || (!last && uuid_map_put(&fleet->changes, &template->uuid, change) < 0)) {
        free_change(change);
        template->done(template->context, -ENOMEM, "out of memory");
        return;
    }
    if (!last) {
        change->begin(change);
        return;
    }
    while (last->next)
        last = last->next;
    last->next = change;
}

/* ---- add ---- */

static void on_addition_stored(void *context, int result)
{
    struct change *change = context;
    struct fleet *fleet = change->fleet;

    if (result < 0 || fleet->stopping) {
        end_change(change, result, NULL);
        return;
    }
    fleet_unmark_deleted(fleet, &change->uuid);
    struct instance *instance = bmcset_find_uuid(&fleet->set, &change->uuid);
    bool was_there = instance != NULL;
    instance = fleet_adopt_record(fleet, instance, &change->record);
    if (!instance) {
        end_change(change, -ENOMEM, "out of memory");
        return;
    }
    fleet_assign_address(fleet, instance);
    if (was_there) /* its former record may have been stored meanwhile in place of this one */
        instance_record_changed(instance, NULL, NULL);
    fleet_see_copies(fleet, instance);
    end_change(change, 0, NULL);
}

static void begin_addition(struct change *change)
{
    struct instance *instance = bmcset_find_uuid(&change->fleet->set, &change->uuid);
    char message[256];

    if (instance && instance_record(instance)->is_explicit) {
        snprintf(message, sizeof message, "Domain %.128s already exists: File exists",
                 change->record.name);
        end_change(change, -EEXIST, message);
        return;
    }
    /* Where one was deleted there may be something of it still. */
    int result = bmcs_store_addition(change->fleet->shared.store, &change->record,
                                     fleet_is_deleted(change->fleet, &change->uuid),
                                     on_addition_stored, change);
    if (result < 0)
        end_change(change, result, NULL);
}

void fleet_add_record(struct fleet *fleet, const struct store_bmc *record, fleet_done_fn *done,
                      void *context)
{
    submit_change(fleet, &(struct change){
                             .uuid = record->uuid,
                             .begin = begin_addition,
                             .record = *record,
                             .done = done,
                             .context = context,
                         });
}

/* ---- delete ---- */

/* A save of the record that is under way, or still to come, stores the mark as well. */
static void set_deleted(struct instance *instance, bool deleted)
{
    instance_record(instance)->deleted = deleted;
    if (!deleted)
        instance_record_changed(instance, NULL, NULL);
}

static void on_deletion_stored(void *context, int result)
{
    struct change *change = context;
    struct fleet *fleet = change->fleet;
    struct instance *instance = bmcset_find_uuid(&fleet->set, &change->uuid);

    if (result < 0 && instance)
        set_deleted(instance, false);
    if (result < 0 || fleet->stopping) {
        end_change(change, result, NULL);
        return;
    }
    fleet_mark_deleted(fleet, &change->uuid);
    if (instance) {
        CLEANUP_FREE char *name = strdup(instance_record(instance)->name);
        chassis_give_up(&instance_bmc(instance)->chassis, "its BMC is deleted");
        boot_withdraw(&instance_bmc(instance)->boot);
        fleet_drop_instance(fleet, instance);
        /* What it stored until now, and what it stored at its end, is forgotten as well. */
        bmcs_store_deleted(fleet->shared.store, &change->uuid, name, fleet_report_store, NULL);
    }
    console_forget(fleet->shared.state_dir, &change->uuid);
    fleet_release_connections(fleet);
    end_change(change, 0, NULL);
}

static void no_such_bmc(struct change *change)
{
    end_change(change, -ENOENT, "No domain with matching name was found: its BMC is gone");
}

static void begin_deletion(struct change *change)
{
    struct instance *instance = bmcset_find_uuid(&change->fleet->set, &change->uuid);

    if (!instance) {
        no_such_bmc(change);
        return;
    }
    set_deleted(instance, true);
    int result = bmcs_store_deleted(change->fleet->shared.store, &change->uuid,
                                    instance_record(instance)->name, on_deletion_stored, change);
    if (result < 0) {
        set_deleted(instance, false);
        end_change(change, result, NULL);
    }
}

void fleet_delete(struct fleet *fleet, struct instance *instance, fleet_done_fn *done,
                  void *context)
{
    submit_change(fleet, &(struct change){
                             .uuid = instance_record(instance)->uuid,
                             .begin = begin_deletion,
                             .done = done,
                             .context = context,
                         });
}

/* ---- start and stop ---- */

static struct instance *take_back_active(struct change *change)
{
    struct instance *instance = bmcset_find_uuid(&change->fleet->set, &change->uuid);

    if (instance)
        instance_record(instance)->active = !change->active;
    return instance;
}

/* It cannot listen at its address: it is down as before. */
static void on_start_taken_back(void *context, int result)
{
    struct change *change = context;
    struct instance *instance = bmcset_find_uuid(&change->fleet->set, &change->uuid);
    char text[256];

    (void)result; /* what the disk refuses is tried again */
    snprintf(text, sizeof text, "%s", instance ? instance_error(instance) : "its BMC is gone");
    end_change(change, -EIO, text);
}

static void on_active_stored(void *context, int result)
{
    struct change *change = context;
    struct fleet *fleet = change->fleet;
    struct instance *instance = bmcset_find_uuid(&fleet->set, &change->uuid);

    if (fleet->stopping) {
        end_change(change, result, NULL);
    } else if (!instance) {
        no_such_bmc(change);
    } else if (result < 0) {
        /* A save of something else may have come in between, with what was not stored here, and a
         * review of all that is to listen. */
        instance_record_changed(take_back_active(change), NULL, NULL);
        if (!change->active)
            fleet_start_listening(fleet, instance);
        else if (instance_is_listening(instance))
            fleet_stop_listening(fleet, instance);
        end_change(change, result, NULL);
    } else if (!change->active) {
        watchdog_stop(&instance_bmc(instance)->watchdog, "its BMC is stopped");
        fleet_stop_listening(fleet, instance);
        end_change(change, 0, NULL);
    } else {
        fleet_start_listening(fleet, instance);
        if (instance_is_listening(instance))
            end_change(change, 0, NULL);
        else
            instance_record_changed(take_back_active(change), on_start_taken_back, change);
    }
}

static void begin_active(struct change *change)
{
    struct fleet *fleet = change->fleet;
    struct instance *instance = bmcset_find_uuid(&fleet->set, &change->uuid);

    if (!instance) {
        no_such_bmc(change);
        return;
    }
    struct store_bmc *record = instance_record(instance);
    if (record->active == change->active) {
        if (change->active && !instance_is_listening(instance))
            fleet_start_listening(fleet, instance);
        bool failed = change->active && !instance_is_listening(instance);
        end_change(change, failed ? -EIO : 0, failed ? instance_error(instance) : NULL);
        return;
    }
    /* Each save of the record stores this from now on; it is carried out later. */
    record->active = change->active;
    instance_record_changed(instance, on_active_stored, change);
}

void fleet_set_active(struct fleet *fleet, struct instance *instance, bool active,
                      fleet_done_fn *done, void *context)
{
    submit_change(fleet, &(struct change){
                             .uuid = instance_record(instance)->uuid,
                             .begin = begin_active,
                             .active = active,
                             .done = done,
                             .context = context,
                         });
}
