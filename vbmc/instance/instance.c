#include "vbmc/instance/instance.h"

#include <stdlib.h>

#include "vbmc/base/array.h"
#include "vbmc/console/boot_watch.h"
#include "vbmc/console/console.h"
#include "vbmc/console/sol.h"
#include "vbmc/inband/inband.h"
#include "vbmc/instance/alerts.h"
#include "vbmc/instance/awake.h"
#include "vbmc/instance/declared.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/hooks.h"
#include "vbmc/instance/internal.h"
#include "vbmc/instance/listen.h"
#include "vbmc/instance/network.h"
#include "vbmc/instance/server.h"
#include "vbmc/instance/sessions.h"
#include "vbmc/instance/stored.h"
#include "vbmc/platform/platform.h"
#include "vbmc/rmcp/server.h"
#include "vbmc/state/parts.h"
#include "vbmc/state/sel.h"

/* The last of it is on disk. */
static void on_gone(void *context)
{
    struct instance *instance = context;

    parts_free(instance->parts);
    chassis_clear(&instance->bmc.chassis);
    store_bmc_clear(&instance->record);
    config_declared_clear(&instance->declared);
    free(instance->declared_problem);
    placement_clear(&instance->placement);
    free(instance->boot_live);
    free(instance->boot_stored);
    free(instance->error);
    free(instance);
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct instance *instance = CONTAINER_OF((uv_timer_t *)handle, struct instance, timer);

    instance_end_stored(instance, on_gone);
}

static void on_booted(void *context)
{
    struct instance *instance = context;

    platform_note_boot_completed(instance->bmc.platform);
}

struct instance *instance_new(const struct instance_shared *shared, uint32_t number,
                              const struct store_bmc *record, const struct store_chassis *chassis,
                              const struct store_boot *boot)
{
    struct instance *instance = calloc(1, sizeof *instance);

    if (!instance)
        return NULL;
    instance->shared = shared;
    instance->timer_at_ms = UINT64_MAX;
    instance->restart_at_ms = UINT64_MAX;
    uv_timer_init(shared->loop, &instance->timer);
    bmc_init(&instance->bmc, number, &record->uuid, &instance_hooks, instance);
    if (instance_begin_stored(instance, record->name, chassis, boot) < 0) {
        instance_free(instance);
        return NULL;
    }
    lan_set_ops(&instance->bmc.lan, &instance_lan_ops, instance);
    sel_rows_open(&instance->bmc, shared->store);
    instance->console = console_new(shared->loop, shared->state_dir, &record->uuid);
    int result = instance_server_attach(&instance->bmc, shared->facility);
    if (result == 0)
        instance_begin_awake(instance);
    instance->boot_watch = boot_watch_new(on_booted, instance);
    instance->sol = console_sol_new(&instance->bmc, instance->saves);
    instance->rmcp = instance->sol ? instance_new_server(instance) : NULL;
    if (result < 0 || !instance->console || !instance->boot_watch || !instance->rmcp ||
        store_bmc_copy(&instance->record, record) < 0) {
        instance_free(instance);
        return NULL;
    }
    instance_read_metadata(instance);
    instance_connect_alerts(instance);
    console_sol_connect(instance->sol, instance->rmcp, instance->console);
    return instance;
}

void instance_free(struct instance *instance)
{
    if (!instance)
        return;
    instance_set_domain(instance, NULL);
    instance_stop_listening(instance);
    inband_free(instance->inband);
    instance->inband = NULL;
    rmcp_server_free(instance->rmcp);
    saves_flush(instance->saves);
    console_sol_free(instance->sol);
    boot_watch_free(instance->boot_watch);
    console_free(instance->console);
    instance_end_awake(instance);
    instance_server_detach(&instance->bmc);
    sel_rows_close(&instance->bmc);
    bmc_clear(&instance->bmc);
    uv_close((uv_handle_t *)&instance->timer, on_timer_closed);
}

struct bmc *instance_bmc(struct instance *instance)
{
    return &instance->bmc;
}

struct console *instance_console(struct instance *instance)
{
    return instance->console;
}
