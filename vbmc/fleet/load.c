/* What the store knows, taken over at the start and, as far as it is new, at a reload. */
#include "vbmc/fleet/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/bmc/bmc.h"
#include "vbmc/config/config.h"
#include "vbmc/console/console.h"
#include "vbmc/fleet/bmcs.h"
#include "vbmc/fleet/connect.h"
#include "vbmc/fleet/deleted.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/listen.h"
#include "vbmc/fleet/placement.h"
#include "vbmc/fleet/restore.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/boot.h"
#include "vbmc/store/chassis.h"
#include "vbmc/store/document.h"
#include "vbmc/store/owed.h"
#include "vbmc/store/placement.h"
#include "vbmc/store/sol.h"
#include "vbmc/store/users.h"
#include "vbmc/virt/hypervisor.h"

struct stored {
    struct store_bmc *bmcs;
    struct store_chassis *chassis;
    struct store_boot *boots;
    struct store_sol *sols;
    struct store_document *documents;
    struct store_placement *placements;
    size_t placement_count;
    struct store_owed *owed;
    struct store_user *users;
    size_t bmc_count, chassis_count, boot_count, sol_count, document_count, owed_count, user_count;
    struct uuid_map chassis_by_uuid, boots_by_uuid;
};

/* What a BMC is made of; the rest goes to the BMCs that are there then, row by row. */
static int index_rows(struct stored *stored)
{
    int result = 0;

    for (size_t i = 0; result == 0 && i < stored->chassis_count; i++)
        result =
            uuid_map_put(&stored->chassis_by_uuid, &stored->chassis[i].uuid, &stored->chassis[i]);
    for (size_t i = 0; result == 0 && i < stored->boot_count; i++)
        result = uuid_map_put(&stored->boots_by_uuid, &stored->boots[i].uuid, &stored->boots[i]);
    return result;
}

static int load(struct store *store, struct stored *stored)
{
    int result = store_bmcs_load_all(store, &stored->bmcs, &stored->bmc_count);

    if (result == 0)
        result = store_chassis_load_all(store, &stored->chassis, &stored->chassis_count);
    if (result == 0)
        result = store_boot_load_all(store, &stored->boots, &stored->boot_count);
    if (result == 0)
        result = store_sol_load_all(store, &stored->sols, &stored->sol_count);
    if (result == 0)
        result = store_document_load_all(store, &stored->documents, &stored->document_count);
    if (result == 0)
        result = store_placement_load_all(store, &stored->placements, &stored->placement_count);
    if (result == 0)
        result = store_owed_load_all(store, &stored->owed, &stored->owed_count);
    if (result == 0)
        result = store_users_load_all(store, &stored->users, &stored->user_count);
    return result == 0 ? index_rows(stored) : result;
}

static void clear(struct stored *stored)
{
    store_bmcs_free(stored->bmcs, stored->bmc_count);
    free(stored->chassis);
    store_boot_free(stored->boots, stored->boot_count);
    free(stored->sols);
    store_documents_free(stored->documents, stored->document_count);
    store_placement_free(stored->placements, stored->placement_count);
    free(stored->owed);
    store_users_free(stored->users, stored->user_count);
    uuid_map_clear(&stored->chassis_by_uuid);
    uuid_map_clear(&stored->boots_by_uuid);
}

/* The BMC of that UUID, if it was made since `last_number` was the last one; else NULL. */
static struct instance *made_since(const struct fleet *fleet, uint32_t last_number,
                                   const struct uuid *uuid)
{
    struct instance *instance = bmcset_find_uuid(&fleet->set, uuid);

    return instance && instance_bmc(instance)->core.number > last_number ? instance : NULL;
}

/* The rows of one BMC lie together. */
static void restore_users(const struct fleet *fleet, const struct stored *stored,
                          uint32_t last_number)
{
    for (size_t i = 0, next; i < stored->user_count; i = next) {
        struct user_change changes[USER_CHANGES_MAX];
        const struct uuid *uuid = &stored->users[i].uuid;
        struct instance *made = made_since(fleet, last_number, uuid);
        size_t count = 0;

        for (next = i; next < stored->user_count && uuid_equal(&stored->users[next].uuid, uuid);
             next++) {
            if (count < USER_CHANGES_MAX)
                changes[count++] = stored->users[next].change;
        }
        if (made)
            instance_restore_users(made, changes, count);
        explicit_bzero(changes, sizeof changes);
    }
}

static void restore_rows(struct fleet *fleet, const struct stored *stored, uint32_t last_number)
{
    struct instance *made;

    for (size_t i = 0; i < stored->sol_count; i++) {
        if ((made = made_since(fleet, last_number, &stored->sols[i].uuid)))
            instance_restore_sol(made, &stored->sols[i]);
    }
    for (size_t i = 0; i < stored->owed_count; i++) {
        if ((made = made_since(fleet, last_number, &stored->owed[i].uuid)))
            instance_restore_owed(made, &stored->owed[i]);
    }
    restore_users(fleet, stored, last_number); /* before who of them is locked out */
    for (size_t i = 0; i < stored->document_count; i++) {
        if ((made = made_since(fleet, last_number, &stored->documents[i].uuid)))
            instance_restore_record(made, stored->documents[i].name, stored->documents[i].text);
    }
    for (size_t i = 0; i < stored->placement_count; i++) {
        if ((made = made_since(fleet, last_number, &stored->placements[i].uuid)))
            fleet_restore_placement(fleet, made, &stored->placements[i]);
    }
}

/* All that is stored of it has been taken over. */
static void finish_loading(const struct fleet *fleet, struct instance *made)
{
    fleet_note_loaded(fleet, made);
    instance_note_restart(made);
}

bool fleet_wants_record(const struct fleet *fleet, const struct store_bmc *record)
{
    const struct config_domain *section =
        config_find_domain(fleet->config, record->name ? record->name : "", &record->uuid);

    return record->name && !(section && !section->enabled) &&
           (record->is_explicit || fleet->config->bmc.discover != CONFIG_DISCOVER_NONE);
}

static void connect_for_record(struct fleet *fleet, const struct store_bmc *record)
{
    const struct hypervisor_settings settings = {
        .name = record->uri,
        .uri = record->uri,
        .sasl_username = record->sasl_username,
        .sasl_password = record->sasl_password,
        .runtime_dir = fleet->config->daemon.runtime_dir,
    };

    if (record->uri)
        fleet_connect(fleet, &settings, false);
}

static void load_bmc(struct fleet *fleet, const struct stored *stored,
                     const struct store_bmc *record)
{
    if (bmcset_find_uuid(&fleet->set, &record->uuid))
        return;
    if (record->deleted) {
        if (fleet_is_deleted(fleet, &record->uuid))
            return;
        fleet_mark_deleted(fleet, &record->uuid);
        console_forget(fleet->shared.state_dir, &record->uuid);
        return;
    }
    if (!fleet_wants_record(fleet, record))
        return;
    connect_for_record(fleet, record);
    fleet_make_instance(fleet, record, uuid_map_get(&stored->chassis_by_uuid, &record->uuid),
                        uuid_map_get(&stored->boots_by_uuid, &record->uuid));
}

int fleet_load_bmcs(struct fleet *fleet, char *error, size_t size)
{
    struct stored stored = {0};
    uint32_t last_number = fleet->last_number;
    int result = load(fleet->shared.store, &stored);

    if (result < 0)
        snprintf(error, size, "%s/state.db cannot be read: %s", fleet->config->daemon.state_dir,
                 strerror(-result));
    fleet->loading = true;
    for (size_t i = 0; result == 0 && i < stored.bmc_count; i++)
        load_bmc(fleet, &stored, &stored.bmcs[i]);
    fleet->loading = false;
    if (result == 0)
        restore_rows(fleet, &stored, last_number);
    for (size_t i = 0; i < fleet->set.count; i++) {
        if (instance_bmc(fleet->set.instances[i])->core.number > last_number)
            finish_loading(fleet, fleet->set.instances[i]);
    }
    clear(&stored);
    fleet_review_listening(fleet);
    return result;
}
