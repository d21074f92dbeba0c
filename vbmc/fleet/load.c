/* What the store knows, taken over at the start and, as far as it is new, at a reload. */
#include "vbmc/fleet/load.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/console/console.h"
#include "vbmc/fleet/bmcs.h"
#include "vbmc/fleet/connect.h"
#include "vbmc/fleet/deleted.h"
#include "vbmc/fleet/listen.h"
#include "vbmc/fleet/placement.h"
#include "vbmc/fleet/restore.h"
#include "vbmc/store/document.h"

struct stored {
    struct store_bmc *bmcs;
    struct store_chassis *chassis;
    struct store_boot *boots;
    struct store_sol *sols;
    struct store_document *documents;
    struct store_placement *placements;
    size_t placement_count;
    struct store_owed *owed;
    size_t bmc_count, chassis_count, boot_count, sol_count, document_count, owed_count;
};

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
    return result;
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
}

static const struct store_chassis *find_chassis(const struct stored *stored,
                                                const struct uuid *uuid)
{
    for (size_t i = 0; i < stored->chassis_count; i++) {
        if (uuid_equal(&stored->chassis[i].uuid, uuid))
            return &stored->chassis[i];
    }
    return NULL;
}

static const struct store_boot *find_boot(const struct stored *stored, const struct uuid *uuid)
{
    for (size_t i = 0; i < stored->boot_count; i++) {
        if (uuid_equal(&stored->boots[i].uuid, uuid))
            return &stored->boots[i];
    }
    return NULL;
}

static void restore_rest(struct fleet *fleet, struct instance *instance,
                         const struct stored *stored)
{
    const struct uuid *uuid = &instance_record(instance)->uuid;

    for (size_t i = 0; i < stored->sol_count; i++) {
        if (uuid_equal(&stored->sols[i].uuid, uuid))
            instance_restore_sol(instance, &stored->sols[i]);
    }
    for (size_t i = 0; i < stored->owed_count; i++) {
        if (uuid_equal(&stored->owed[i].uuid, uuid))
            instance_restore_owed(instance, &stored->owed[i]);
    }
    for (size_t i = 0; i < stored->document_count; i++) {
        if (uuid_equal(&stored->documents[i].uuid, uuid))
            instance_restore_document(instance, stored->documents[i].name,
                                      stored->documents[i].text);
    }
    for (size_t i = 0; i < stored->placement_count; i++) {
        if (uuid_equal(&stored->placements[i].uuid, uuid))
            fleet_restore_placement(fleet, instance, &stored->placements[i]);
    }
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
        /* The daemon may have been killed between the mark and this. */
        console_forget(fleet->shared.state_dir, &record->uuid);
        return;
    }
    if (!fleet_wants_record(fleet, record))
        return;
    connect_for_record(fleet, record);
    struct instance *made = fleet_make_instance(fleet, record, find_chassis(stored, &record->uuid),
                                                find_boot(stored, &record->uuid));
    if (!made)
        return;
    restore_rest(fleet, made, stored);
    instance_bmc(made)->chassis.restore_waits = fleet_power_is_back(fleet);
    if (fleet->power_returned) /* the hypervisor here numbers its guests from 1 again */
        chassis_forget_run(&instance_bmc(made)->chassis);
    instance_note_restart(made);
}

int fleet_load_bmcs(struct fleet *fleet, char *error, size_t size)
{
    struct stored stored = {0};
    int result = load(fleet->shared.store, &stored);

    if (result < 0)
        snprintf(error, size, "%s/state.db cannot be read: %s", fleet->config->daemon.state_dir,
                 strerror(-result));
    fleet->loading = true;
    for (size_t i = 0; result == 0 && i < stored.bmc_count; i++)
        load_bmc(fleet, &stored, &stored.bmcs[i]);
    fleet->loading = false;
    clear(&stored);
    fleet_review_listening(fleet);
    return result;
}
