/* Power restore policy (IPMI 2.0, section 28.8): what a server does when its power comes back. For
 * a guest that is when its host has booted: once per boot of this machine, when a local hypervisor
 * is first connected, guests that are off are started if their policy says so; one that may run on
 * a hypervisor that is not connected yet waits for that.
 *
 * Who waits is stored, together with the id of the boot, and nothing is carried out before it is: a
 * daemon that ends early goes on when it is started again, and does not take the same boot for
 * another one. It waits no more when a start is on disk as an action that is owed, or is over, when
 * nothing is to be done, when the guest was started, or a power action asked for. */
#include "vbmc/fleet/restore.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vbmc/base/boot_id.h"
#include "vbmc/base/cleanup.h"
#include "vbmc/base/log.h"
#include "vbmc/base/uuid.h"
#include "vbmc/bmc/bmc.h"
#include "vbmc/bmc/chassis.h"
#include "vbmc/bmc/chassis_power.h"
#include "vbmc/bmc/ticket.h"
#include "vbmc/fleet/connections.h"
#include "vbmc/fleet/internal.h"
#include "vbmc/instance/guest.h"
#include "vbmc/instance/instance.h"
#include "vbmc/instance/stored.h"
#include "vbmc/store/bmcs.h"
#include "vbmc/store/host.h"
#include "vbmc/virt/hypervisor.h"

/* The embedded driver keeps what it knew of running guests on disk, and finds out only after it is
 * connected that they are gone: a second look follows the first. */
#define SETTLED_MS 5000

/* A hypervisor that is connected for the first time so long after the start of the daemon was not
 * there at the boot. */
#define RETURNS_WITHIN_MS 300000

#define STORE_AGAIN_MS 1000

/* ---- which boot this is ---- */

static void read_present(struct store_boot_of_host *present)
{
    char id[BOOT_ID_SIZE];

    boot_id_read(id);
    snprintf(present->boot_id, sizeof present->boot_id, "%s", id);
    machine_id_read(id);
    snprintf(present->machine, sizeof present->machine, "%s", id);
}

/* At the first run ever no policy has been set yet; and that another machine ran the daemon last is
 * no boot of this one. */
void fleet_note_boot(struct fleet *fleet)
{
    struct store_boot_of_host stored, present;

    read_present(&present);
    fleet->boot_stored = store_host_load_boot(fleet->shared.store, &stored) < 0 ||
                         strcmp(stored.boot_id, present.boot_id) == 0;
    fleet->moved_here = !fleet->boot_stored && stored.machine[0] != '\0' &&
                        present.machine[0] != '\0' && strcmp(stored.machine, present.machine) != 0;
    fleet->power_returned = !fleet->boot_stored && !fleet->moved_here &&
                            stored.boot_id[0] != '\0' && present.boot_id[0] != '\0';
}

static bool is_early(const struct fleet *fleet)
{
    return uv_now(fleet->loop) - fleet->started_ms <= RETURNS_WITHIN_MS;
}

void fleet_note_loaded(const struct fleet *fleet, struct instance *instance)
{
    struct chassis *chassis = &instance_bmc(instance)->chassis;

    if (fleet->power_returned && !fleet->boot_stored)
        chassis->restore = RESTORE_WAITS;
    if (chassis->restore != RESTORE_NONE) /* the hypervisor here numbers its guests from 1 again */
        chassis_forget_run(chassis);
    if (!is_early(fleet))
        chassis_end_restore(chassis);
}

static void put_boot(struct fleet *fleet);

static void on_store_again(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;

    if (!fleet->stopping)
        put_boot(fleet);
}

static void on_boot_stored(void *context, int result)
{
    struct fleet *fleet = context;

    if (fleet->stopping)
        return;
    if (result < 0) {
        if (!fleet->boot_refused)
            log_error("the boot of this machine is not stored: %s; power restore policies wait",
                      strerror(-result));
        fleet->boot_refused = true;
        uv_timer_start(&fleet->restore, on_store_again, STORE_AGAIN_MS, 0);
        return;
    }
    fleet->boot_stored = true;
    for (size_t i = 0; i < fleet->set.count; i++)
        fleet_restore_power(fleet, fleet->set.instances[i]);
}

/* What a client has overtaken since the first attempt does not wait any more. */
static void put_boot(struct fleet *fleet)
{
    CLEANUP_FREE struct uuid *settled = malloc((fleet->set.count + 1) * sizeof *settled);
    struct store_boot_of_host present;
    size_t count = 0;

    read_present(&present);
    for (size_t i = 0; settled && i < fleet->set.count; i++) {
        const struct bmc *bmc = instance_bmc(fleet->set.instances[i]);
        if (bmc->chassis.restore == RESTORE_NONE)
            settled[count++] = bmc->core.uuid;
    }
    int result = settled ? store_host_put_boot(fleet->shared.store, &present, fleet->power_returned,
                                               settled, count, on_boot_stored, fleet)
                         : -ENOMEM;
    if (result < 0)
        on_boot_stored(fleet, result);
}

void fleet_store_boot(struct fleet *fleet)
{
    if (!fleet->boot_stored)
        put_boot(fleet);
}

/* ---- what the policy says ---- */

/* The start is on disk, or is over. */
static void on_start_stored(const struct bmc_ticket *ticket, int result)
{
    struct chassis *chassis = (struct chassis *)ticket->sink;

    (void)result;
    if (chassis->restore == RESTORE_BEGUN)
        chassis_end_restore(chassis);
}

static void restore_guest(struct bmc *bmc, const char *name)
{
    const struct bmc_ticket ticket = {.done = on_start_stored, .sink = &bmc->chassis};

    log_info("%s: host rebooted: powering on (power restore policy)", name);
    bmc->chassis.restore = RESTORE_BEGUN;
    chassis_restore_power(&bmc->chassis, &ticket);
}

/* Only what was taken for running at the first look, and got no power action since. */
static void on_settled(uv_timer_t *timer)
{
    struct fleet *fleet = timer->data;

    for (size_t i = 0; i < fleet->set.count; i++) {
        struct bmc *bmc = instance_bmc(fleet->set.instances[i]);
        if (bmc->chassis.restore != RESTORE_IF_GONE)
            continue;
        if (bmc_power_state(bmc) == HOST_POWER_UNKNOWN)
            bmc->chassis.restore = RESTORE_WAITS;
        else if (bmc_power_state(bmc) == HOST_POWER_OFF)
            restore_guest(bmc, instance_record(fleet->set.instances[i])->name);
        else
            chassis_end_restore(&bmc->chassis);
    }
}

void fleet_note_connected(const struct fleet *fleet, struct fleet_connection *connection)
{
    connection->restores = is_early(fleet) && hypervisor_is_local(connection->hypervisor);
}

/* A guest that may be elsewhere has no domain here; it is looked at again when one counts. */
void fleet_restore_power(struct fleet *fleet, struct instance *instance)
{
    struct bmc *bmc = instance_bmc(instance);
    struct virt_domain *domain = instance_domain(instance);
    const struct fleet_connection *connection =
        domain ? fleet_connection_of(fleet, virt_domain_hypervisor(domain)) : NULL;

    if (!fleet->boot_stored || bmc->chassis.restore != RESTORE_WAITS || !connection ||
        !connection->was_up || bmc_power_state(bmc) == HOST_POWER_UNKNOWN)
        return;
    if (connection->restores && bmc_power_state(bmc) == HOST_POWER_OFF &&
        bmc->chassis.was_on_last_run)
        chassis_note_power_lost(&bmc->chassis, POWER_EVENT_AC_FAILED); /* with this machine's */
    if (!connection->restores ||
        !chassis_wants_power(&bmc->chassis, bmc->chassis.was_on_last_run)) {
        chassis_end_restore(&bmc->chassis);
        return;
    }
    if (bmc_power_state(bmc) == HOST_POWER_OFF) {
        restore_guest(bmc, instance_record(instance)->name);
        return;
    }
    bmc->chassis.restore = RESTORE_IF_GONE;
    uv_timer_start(&fleet->restore, on_settled, SETTLED_MS, 0);
}
