/* Power restore policy (IPMI 2.0, section 28.8): what a server does when its power comes back. For
 * a guest that is when its host has booted: once per boot of this machine, when a local hypervisor
 * is first connected, guests that are off are started if their policy says so; one that may run on
 * a hypervisor that is not connected yet waits for that. */
#include "vbmc/fleet/restore.h"

#include <string.h>

#include "vbmc/base/boot_id.h"
#include "vbmc/base/log.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/fleet/connections.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/fleet/watch.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/host.h"
#include "vbmc/virt/hypervisor.h"

/* The embedded driver keeps what it knew of running guests on disk, and finds out only after it is
 * connected that they are gone: a second look follows the first. */
#define SETTLED_MS 5000

/* A hypervisor that is connected for the first time later than this was not there at the boot. */
#define RETURNS_WITHIN_MS 300000

/* At the first run ever no policy has been set yet. */
void fleet_note_boot(struct fleet *fleet)
{
    char stored[STORE_BOOT_ID_SIZE], present[BOOT_ID_SIZE];
    struct store *store = fleet->shared.store;

    boot_id_read(present);
    if (store_host_load_boot_id(store, stored) < 0 || strcmp(stored, present) == 0)
        return;
    fleet->power_returned = stored[0] != '\0' && present[0] != '\0';
    fleet->started_ms = uv_now(fleet->loop);
    store_host_put_boot_id(store, present, fleet_report_store, NULL);
}

static void restore_guest(struct bmc *bmc, const char *name)
{
    log_info("%s: host rebooted: powering on (power restore policy)", name);
    chassis_restore_power(&bmc->chassis);
}

/* Only what was taken for running at the first look, and got no power action since. */
static void on_settled(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;

    for (size_t i = 0; i < fleet->set.count; i++) {
        struct bmc *bmc = instance_bmc(fleet->set.instances[i]);
        if (bmc->chassis.restore_if_gone && bmc_power_state(bmc) == HOST_POWER_OFF)
            restore_guest(bmc, instance_record(fleet->set.instances[i])->name);
        bmc->chassis.restore_if_gone = false;
    }
}

bool fleet_power_is_back(const struct fleet *fleet)
{
    return fleet->power_returned && uv_now(fleet->loop) - fleet->started_ms <= RETURNS_WITHIN_MS;
}

void fleet_note_connected(const struct fleet *fleet, struct fleet_connection *connection)
{
    connection->restores =
        fleet_power_is_back(fleet) && hypervisor_is_local(connection->hypervisor);
}

/* A guest that may be elsewhere has no domain here; it is looked at again when one counts. */
void fleet_restore_power(struct fleet *fleet, struct instance *instance)
{
    struct bmc *bmc = instance_bmc(instance);
    struct virt_domain *domain = instance_domain(instance);
    const struct fleet_connection *connection =
        domain ? fleet_connection_of(fleet, virt_domain_hypervisor(domain)) : NULL;

    if (!bmc->chassis.restore_waits || !connection || !connection->was_up ||
        bmc_power_state(bmc) == HOST_POWER_UNKNOWN)
        return;
    bmc->chassis.restore_waits = false;
    if (connection->restores && bmc_power_state(bmc) == HOST_POWER_OFF &&
        bmc->chassis.was_on_last_run)
        chassis_note_power_lost(&bmc->chassis, POWER_EVENT_AC_FAILED); /* with this machine's */
    if (!connection->restores || !chassis_wants_power(&bmc->chassis, bmc->chassis.was_on_last_run))
        return;
    if (bmc_power_state(bmc) == HOST_POWER_OFF) {
        restore_guest(bmc, instance_record(instance)->name);
        return;
    }
    bmc->chassis.restore_if_gone = true;
    uv_timer_start(&fleet->restore, on_settled, SETTLED_MS, 0);
}
